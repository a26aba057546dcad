using Purser.Core.Gateway;
using Purser.Server.Gateway.Providers;
using Purser.Server.Platform;

namespace Purser.Server.Gateway;

/// <summary>The routes that speak OpenAI's API and Anthropic's.</summary>
static class AiRoutes
{
    const string OpenAiDocs = "https://platform.openai.com/docs/api-reference";
    const string AnthropicDocs = "https://docs.anthropic.com/en/api";

    static readonly (string, string)[] Headers =
    [
        ("Purser-Call-Id", "Names the call: GET /v1/calls/{id} says what was held, used and charged."),
        ("Purser-Model", "The model that answered, as provider/model; a fallback's, where one did."),
        ("Purser-Charged", "Credits that it cost. A stream cannot tell: its headers come first."),
        ("Purser-Limited-To", "Tokens that the answer was limited to, where what is left does not pay for a longer one."),
    ];

    public static void MapAi(this IEndpointRouteBuilder routes)
    {
        // They look at their keys themselves, and answer as the API they speak does.
        var ai = routes.MapGroup("").Public().WithMetadata(new LargeBodies(Gateway.LargestBody)).WithTags("AI");
        Map(ai, "/openai/v1/chat/completions", Wire.ChatCompletions, "/chat/create", "Chat, as OpenAI has it");
        Map(ai, "/openai/v1/responses", Wire.Responses, "/responses/create", "Responses, as OpenAI has them");
        Map(ai, "/openai/v1/embeddings", Wire.Embeddings, "/embeddings/create", "Embeddings, as OpenAI has them");
        Map(ai, "/openai/v1/audio/transcriptions", Wire.Transcriptions, "/audio/createTranscription", "Speech written down, as OpenAI has it");
        Map(ai, "/openai/v1/images/generations", Wire.Images, "/images/create", "Images, as OpenAI has them");
        Map(ai, "/anthropic/v1/messages", Wire.Messages, "/messages", "Messages, as Anthropic has them");
        Map(ai, "/anthropic/v1/messages/count_tokens", Wire.CountTokens, "/messages-count-tokens", "Tokens of a prompt, as Anthropic counts them; free");
        MapModels(ai, "/openai/v1/models", Dialect.OpenAi, $"{OpenAiDocs}/models");
        MapModels(ai, "/anthropic/v1/models", Dialect.Anthropic, $"{AnthropicDocs}/models-list");
    }

    static void Map(IEndpointRouteBuilder routes, string path, Wire wire, string documentation, string summary)
    {
        var docs = Targets.DialectOf(wire) == Dialect.OpenAi ? OpenAiDocs : AnthropicDocs;
        var accepts = wire == Wire.Transcriptions ? "multipart/form-data" : "application/json";
        routes.MapPost(path, (HttpContext http, Gateway gateway) => gateway.Handle(http, wire))
            .WithSummary(summary)
            .WithMetadata(new ForeignRoute(docs + documentation, accepts, wire == Wire.CountTokens ? [] : Headers));
    }

    static void MapModels(IEndpointRouteBuilder routes, string path, Dialect dialect, string documentation)
    {
        var described = new ForeignRoute(documentation, Accepts: null, Headers: []);
        routes.MapGet(path, (HttpContext http, ModelList models) => models.Handle(http, dialect, name: null))
            .WithSummary("The models that the key may use").WithMetadata(described);
        routes.MapGet(path + "/{**name}", (HttpContext http, ModelList models, string name) => models.Handle(http, dialect, name))
            .WithSummary("One of them").WithMetadata(described);
    }
}
