using System.Net.Http.Headers;
using System.Text;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>
/// Nothing of a prompt or an answer is kept, and nobody learns what is not his: a marker is asked, answered and sent in every
/// way there is, and then looked for in the database and in all that the server said.
/// </summary>
public sealed class SecrecyTests : IAsyncLifetime
{
    // Letters that are the same in JSON, in a URL and in a log.
    const string Marker = "xyzzyMARKERplugh";

    Postgres postgres = null!;
    AiAccount ai = null!;
    ServerProcess server = null!;
    HttpClient http = null!;

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        ai = new(await Sandbox.Url());
        server = ServerProcess.Serve(
            postgres.ConnectionString,
            [
                ("PURSER_CATALOG", Gate.CatalogFile),
                ("PURSER_ENCRYPTION_KEY", "an-encryption-key-for-tests"),
                ("ELSEWHERE_BASE_URL", "http://127.0.0.1:1/v1"),
                .. ai.Environment,
            ]);
        http = new() { BaseAddress = await server.WaitReady() };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey);
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await server.DisposeAsync();
        ai.Dispose();
        await postgres.DisposeAsync();
    }

    [Fact]
    public async Task Nothing_of_prompts_answers_and_keys_is_in_the_database_or_in_the_logs()
    {
        var caller = await http.GivenCaller();
        var own = $"sk-invalid-{Guid.CreateVersion7():N}";
        await AskEverything(caller);
        await http.Put($"/v1/customers/{caller.Customer}/provider-keys/openai", $$"""{"key":"{{own}}"}""");
        await caller.Ask(Chat, Marked("gpt-4o-mini"));
        var metrics = (await http.Read("/metrics")).Body;

        // And one that is cut down while it speaks, for long enough to be written down.
        var crashing = await http.GivenCaller();
        var much = string.Join(' ', Enumerable.Repeat(Marker, 100));
        _ = crashing.Ask(Chat, Marked("gpt-4o-mini@echo@slow:100ms", ""","stream":true""", much)).ContinueWith(_ => { }, TaskScheduler.Default);
        await Eventually.Holds(async () => (await Tables.Read<long>(
            postgres.ConnectionString, "select count(*) from running_call where produced_bytes > 0")).Single() > 0);
        await server.Kill();

        foreach (var secret in (string[])[Marker, ai.Key, caller.Key, own])
        {
            Assert.DoesNotContain(secret, server.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, metrics, StringComparison.Ordinal);
            Assert.Empty(await TablesWith(secret));
        }
    }

    // All customers share our account there, and two with the same key would share an answer.
    [Fact]
    public async Task The_key_for_asking_once_stays_between_the_caller_and_us()
    {
        var caller = await http.GivenCaller();
        using var request = caller.Request(Chat, Marked("gpt-4o-mini"));
        request.Headers.Add("Idempotency-Key", "order-1");
        request.Headers.Add("openai-beta", "assistants=v2");

        Assert.Equal(200, (await http.Ask(request)).Status);

        var headers = Assert.Single(await ai.Requests(1)).GetProperty("headers");
        Assert.True(headers.TryGetProperty("openai-beta", out _));
        Assert.False(headers.TryGetProperty("idempotency-key", out _));
    }

    async Task AskEverything(Caller caller)
    {
        foreach (var more in (string[])["", ""","stream":true"""])
        {
            await caller.Ask(Chat, Marked("gpt-4o-mini@echo", more));
            await caller.Ask(Chat, Marked("gpt-4o-mini@echo@cut:3", more));
            await caller.Ask(Chat, Marked("gpt-4o-mini@error:400", more));
            await caller.Ask(Chat, Marked("gpt-4o-mini@error:500", more));
            await caller.Ask(Chat, Marked("unreachable-model", more));
            await caller.Ask(Messages, Marked("claude-sonnet-5-5@echo", $$""","max_tokens":100,"metadata":{"user_id":"{{Marker}}"}{{more}}"""));
            await caller.Ask(Responses, $$"""{"model":"gpt-4.1-mini","input":"{{Marker}}","metadata":{"a":"{{Marker}}"}{{more}}}""");
        }

        await caller.Leave(Chat, Marked("gpt-4o-mini@echo@slow:100ms", ""","stream":true"""), after: 2);
        await caller.Ask(Chat, Marked("gpt-4o-mini@echo", $$""","tools":[{"type":"function","function":{"name":"{{Marker}}","parameters":{} } }]"""));
        await caller.Ask(Embeddings, $$"""{"model":"text-embedding-3-small","input":["{{Marker}}"]}""");
        await caller.Ask(Images, $$"""{"model":"dall-e-3","prompt":"{{Marker}}"}""");
        await caller.Ask(CountTokens, Marked("claude-sonnet-5-5"));
        // What is refused is not repeated either.
        await caller.Ask(Chat, Marked(Marker));
        await caller.Ask(Chat, $$"""{"model":"gpt-4o-mini","messages":"{{Marker}}",{{Marker}}""");
        await caller.Ask(Chat, Marked("gpt-4o-mini", $$""","service_tier":"{{Marker}}" """));
        await (caller with { Key = Marker }).Ask(Chat, Marked("gpt-4o-mini"));
        await (await http.GivenCaller(credits: 0)).Ask(Chat, Marked("gpt-4o-mini"));
        using var form = new MultipartFormDataContent
        {
            { new StringContent("whisper-1"), "model" },
            { new StringContent(Marker), "prompt" },
            { new ByteArrayContent(Encoding.ASCII.GetBytes(Marker)), "file", $"{Marker}.mp3" },
        };
        using var transcript = caller.Request(Transcriptions, form);
        await http.Ask(transcript);
    }

    /// <summary>As it is, or as bytes that are shown as hexadecimal digits.</summary>
    async Task<List<string>> TablesWith(string text)
    {
        var found = new List<string>();
        foreach (var table in await Tables.Read<string>(postgres.ConnectionString, "select tablename::text from pg_tables where schemaname = 'public'"))
        {
            var hex = Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text));
            var rows = await Tables.Read<long>(
                postgres.ConnectionString, $"select count(*) from {table} t where t::text like '%{text}%' or t::text like '%{hex}%'");
            if (rows.Single() > 0) found.Add(table);
        }

        return found;
    }

    static string Marked(string model, string more = "", string text = $"{Marker} {Marker} {Marker}") =>
        $$"""{"model":"{{model}}","messages":[{"role":"user","content":"{{text}}"}]{{more}}}""";
}
