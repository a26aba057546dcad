using Purser.Sandbox.Ai.Anthropic;
using Purser.Sandbox.Ai.Control;
using Purser.Sandbox.Ai.OpenAi;
using Purser.Sandbox.Ai.Records;

namespace Purser.Sandbox.Ai;

/// <summary>The paths of the AI providers, which are those of the real ones behind a prefix for each API.</summary>
static class AiRoutes
{
    public static void AddAi(this IServiceCollection services)
    {
        services.AddSingleton<AiAccounts>();
        services.AddSingleton<ServedCalls>();
        services.AddSingleton<Requests>();
        services.AddSingleton<AiApi>();
        services.AddSingleton<AiControls>();
    }

    public static void MapAi(this WebApplication app)
    {
        var api = app.Services.GetRequiredService<AiApi>();
        MapOpenAi(app.MapGroup("/openai/v1"), api);
        app.MapGet("/openai/images/{name}", Images.Show);
        MapAnthropic(app.MapGroup("/anthropic/v1"), api);
        app.Services.GetRequiredService<AiControls>().Map(app);
    }

    static void MapOpenAi(RouteGroupBuilder routes, AiApi api)
    {
        var dialect = new OpenAiDialect();
        routes.MapPost("/chat/completions", api.Metered(dialect, "chat/completions", ChatCompletions.Create));
        routes.MapPost("/responses", api.Metered(dialect, "responses", Responses.Create));
        routes.MapPost("/embeddings", api.Metered(dialect, "embeddings", Embeddings.Create));
        routes.MapPost("/audio/transcriptions", api.Metered(dialect, "audio/transcriptions", Transcriptions.Create));
        routes.MapPost("/images/generations", api.Metered(dialect, "images/generations", Images.Generate));
        routes.MapGet("/models", api.Free(dialect, "models", Models.List));
        routes.MapGet("/models/{**model}", api.Free(dialect, "models", Models.Retrieve));
        routes.Map("/{**rest}", Unknown(dialect, api));
    }

    static void MapAnthropic(RouteGroupBuilder routes, AiApi api)
    {
        var dialect = new AnthropicDialect();
        routes.MapPost("/messages", api.Metered(dialect, "messages", Messages.Create));
        routes.MapPost("/messages/count_tokens", api.Free(dialect, "messages/count_tokens", Messages.CountTokens));
        routes.MapGet("/models", api.Free(dialect, "models", ClaudeModels.List));
        routes.MapGet("/models/{model}", api.Free(dialect, "models", ClaudeModels.Retrieve));
        routes.Map("/{**rest}", Unknown(dialect, api));
    }

    static RequestDelegate Unknown(Dialect dialect, AiApi api) =>
        api.Free(dialect, "", call => throw dialect.UnknownRoute(call.Http.Request));
}
