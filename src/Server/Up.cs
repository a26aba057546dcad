using Purser.Server.Editions;
using Purser.Server.Platform;

namespace Purser.Server;

/// <summary>Everything on one machine, for trying and developing: PostgreSQL, the sandbox and the server.</summary>
static class Up
{
    public static async Task<int> Run(Settings settings, CancellationToken ct)
    {
        Edition.Of(settings);
        // First who looks after this data, then the ports: whoever starts it twice should be told exactly that.
        using var held = FolderLock.Take(settings.DataFolder);
        RunningServer.RequireFreePort(settings.Host, settings.Port, "PURSER_PORT");
        RunningServer.RequireFreePort("127.0.0.1", settings.SandboxPort, "PURSER_SANDBOX_PORT");
        settings = settings.WithAdminKey().WithEncryptionKey();

        await using var sandbox = SandboxProcess.Start(settings, Commands.Say, ct);
        var answers = sandbox.Answers(ct);
        await using var postgres = settings.Database is null
            ? await EmbeddedPostgres.Start(Embedding.Of(settings, Commands.Say), held, ct)
            : null;
        await using var server = await RunningServer.Start(
            settings, settings.Database ?? postgres!.ConnectionString, ct);
        await answers;
        await server.ListenToSandbox(settings, ct);

        Announce(settings, server.Address, postgres);
        await server.Ended(ct);
        return 0;
    }

    // A shell may have them for something else, and what is called with them costs money.
    static string AiKeys(Settings settings)
    {
        string[] real = [.. settings.Providers.Where(one => one.Value.Key is not null).Select(one => one.Key).Order(StringComparer.Ordinal)];
        return real.Length == 0 ? "none: the sandbox answers AI calls" : $"{string.Join(", ", real)}: really called; the sandbox answers for all others";
    }

    static void Announce(Settings settings, string address, EmbeddedPostgres? postgres) => Console.WriteLine($"""
        server      {address}   (API described at {address}/docs)
        OpenAI      {address}/openai/v1   Anthropic   {address}/anthropic
        sandbox     {settings.Sandbox.GetLeftPart(UriPartial.Authority)}   (Stripe, AI providers, users' tokens)
        AI keys     {AiKeys(settings)}
        database    {(postgres is null ? "DATABASE_URL" : $"PostgreSQL {postgres.Major} in {settings.DataFolder}")}
        catalog     {settings.CatalogFile}
        users       {settings.Oidc!.Issuer}{(settings.Edition is { } edition ? $"   (edition {edition})" : "")}
        admin key   {settings.AdminKey}

        Purser is ready: {address}
        """);
}
