using System.Text.Json;
using System.Text.Json.Serialization;
using Purser.Server.Identity;
using Purser.Server.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Editions.ScholarLink;

/// <summary>ScholarLink: a research platform that sells credits by the package and spends them on AI.</summary>
sealed class ScholarLink : Edition
{
    public override string Name => "scholarlink";

    public override string WebhookPath => "/api/stripe/webhook";

    public override void Add(IServiceCollection services) =>
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Add(ScholarLinkJson.Default));

    public override void Map(IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api").ForUsers().ForBrowsers().WithMetadata(new ErrorForm(Wording.Of)).WithTags("ScholarLink");
        api.MapSummary();
        api.MapChat();
        // Without Stripe nothing is sold.
        if (routes.ServiceProvider.GetService<WebhookInbox>() is null) return;

        api.MapCheckout();
        routes.MapPost(WebhookPath, WebhookEndpoints.Receive).Public().WithTags("ScholarLink").WithSummary("Stripe's events, signed");
    }

    public override Task Rehearse(Rehearsal rehearsal, CancellationToken ct) => new SmokeTest(rehearsal).Run(ct);

    public override Task Live(Rehearsal rehearsal, int users, TimeSpan duration, CancellationToken ct) =>
        new LoadRun(rehearsal).Run(users, duration, ct);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SummaryAnswer))]
[JsonSerializable(typeof(CheckoutBody))]
[JsonSerializable(typeof(SessionAnswer))]
[JsonSerializable(typeof(NotEnough))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(JsonElement))]
sealed partial class ScholarLinkJson : JsonSerializerContext;
