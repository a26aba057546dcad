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
        if (await gateway.Answer(http, Wire.ChatCompletions, key) is not { } error) return;

        error.SetHeaders(http.Response);
        var answer = error switch
        {
            { Theirs: { } theirs } => Wording.OfProvider(error, theirs.Body),
            { Required: { } required, Available: { } available } => Wording.NotEnough(required, available),
            _ => TypedResults.Json(new(error.Message, error.Code), ScholarLinkJson.Default.Problem, statusCode: error.Status),
        };
        await answer.ExecuteAsync(http);
    }
}
