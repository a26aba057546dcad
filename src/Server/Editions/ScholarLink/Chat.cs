using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Purser.Core.Gateway;
using Purser.Server.Gateway;
using Purser.Server.Identity;
using Purser.Server.Platform;

namespace Purser.Server.Editions.ScholarLink;

/// <summary>Chat completions as OpenAI takes and gives them, streamed or whole, on the user's own credits.</summary>
static class Chat
{
    public static void MapChat(this IEndpointRouteBuilder routes) => routes.MapPost("/ai/chat", Complete)
        .WithMetadata(new LargeBodies(Gateway.Gateway.LargestBody)).WithSummary("A chat completion, charged to the user");

    static async Task Complete(User user, HttpContext http, Gateway.Gateway gateway, VirtualKeys keys, TimeProvider time)
    {
        var key = await keys.OfUser(user.Customer, time.Now(), http.RequestAborted);
        var error = await Answer(http, gateway, key);
        if (error is null) return;

        error.SetHeaders(http.Response);
        var answer = error is { Required: { } required, Available: { } available }
            ? Wording.NotEnough(required, available)
            : TypedResults.Json(new(error.Message, error.Code), ScholarLinkJson.Default.Problem, statusCode: error.Status);
        await answer.ExecuteAsync(http);
    }

    /// <summary>The gateway passes a provider's own error on as it is; here it is kept, and said in the product's form.</summary>
    static async Task<GatewayError?> Answer(HttpContext http, Gateway.Gateway gateway, VirtualKey key)
    {
        var body = http.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        using var kept = new MemoryStream();
        http.Features.Set<IHttpResponseBodyFeature>(new ErrorsApart(body, http.Response, kept));
        GatewayError? error;
        try
        {
            error = await gateway.Answer(http, Wire.ChatCompletions, key);
        }
        finally
        {
            http.Features.Set(body);
        }

        if (error is null && kept.Length > 0)
        {
            http.Response.ContentLength = null;
            await Wording.OfProvider(http.Response.StatusCode, kept.ToArray()).ExecuteAsync(http);
        }

        return error;
    }

    /// <summary>Lets answers through and keeps errors.</summary>
    sealed class ErrorsApart(IHttpResponseBodyFeature body, HttpResponse response, MemoryStream kept) : IHttpResponseBodyFeature
    {
        public Stream Stream => response.StatusCode < StatusCodes.Status400BadRequest ? body.Stream : kept;

        public PipeWriter Writer => body.Writer;

        public void DisableBuffering() => body.DisableBuffering();

        public Task StartAsync(CancellationToken cancellationToken = default) => body.StartAsync(cancellationToken);

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
            body.SendFileAsync(path, offset, count, cancellationToken);

        public Task CompleteAsync() => body.CompleteAsync();
    }
}
