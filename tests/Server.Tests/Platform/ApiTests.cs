using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Purser.Server.Tests.Ledger;

namespace Purser.Server.Tests.Platform;

/// <summary>What holds for every route.</summary>
public sealed class ApiTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task Every_answer_carries_a_request_id_of_its_own()
    {
        var customer = await app.Purser.GivenCustomer(1);
        using var anonymous = new HttpClient { BaseAddress = app.Client.BaseAddress };
        Answered[] answers =
        [
            await app.Client.Read($"/v1/customers/{customer}"),
            await app.Client.Post($"/v1/customers/{customer}/charges", """{"amount":1}"""),
            await app.Client.Post($"/v1/customers/{customer}/charges", """{"amount":1}"""),
            await app.Client.Post($"/v1/customers/{customer}/charges", """{"amount":true}"""),
            await app.Client.Post($"/v1/customers/{customer}/charges", "{"),
            await app.Client.Post($"/v1/customers/{customer}/charges", new('x', 1_100_000)),
            await app.Client.Read("/v1/customers/no such"),
            await app.Client.Read("/v1/customers?limit=0"),
            await app.Client.Read("/v1/nothing"),
            await app.Client.Read("/health/live"),
            await app.Client.Read("/metrics"),
            await app.Client.Read("/openapi/v1.json"),
            await anonymous.Read("/v1/customers"),
        ];

        Assert.All(answers, answer => Assert.Matches("^req_[0-9a-f]+$", answer.Header("X-Request-Id")));
        Assert.Equal(answers.Length, answers.Select(answer => answer.Header("X-Request-Id")).Distinct().Count());
        Assert.All(
            answers.Where(answer => answer.Status >= 400),
            answer => Assert.Equal(answer.Header("X-Request-Id"), answer.Error.GetProperty("request_id").GetString()));
    }

    [Fact]
    public async Task A_body_far_too_large_is_read_over_so_that_its_sender_sees_the_answer()
    {
        for (var i = 0; i < 5; i++)
        {
            var answer = await app.Client.Post("/v1/charges", new('x', 8_000_000));

            Assert.Equal((413, "too_large"), (answer.Status, answer.Error.GetProperty("type").GetString()));
        }
    }

    [Fact]
    public async Task A_healthy_server_says_of_what()
    {
        var live = await app.Client.Read("/health/live");
        var ready = await app.Client.Read("/health/ready");

        Assert.Equal((200, 200), (live.Status, ready.Status));
        Assert.True(ready.Json.GetProperty("ready").GetBoolean());
        string[] needed = ["database", "lanes", "migrations"];
        Assert.Subset(Answered.Names(ready.Json.GetProperty("checks")).ToHashSet(), needed.ToHashSet());
    }

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    [InlineData("/metrics")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/docs/index.html")]
    [InlineData("/v1/packages")]
    [InlineData("/v1/plans")]
    [InlineData("/v1/rates")]
    public async Task What_is_public_needs_no_key(string path)
    {
        using var anonymous = new HttpClient { BaseAddress = app.Client.BaseAddress };

        Assert.Equal(200, (await anonymous.Read(path)).Status);
    }

    [Fact]
    public async Task The_description_names_every_route_and_each_is_one_operation()
    {
        var described = (await Description()).GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => $"{operation.Name.ToUpperInvariant()} {path.Name}"))
            .ToHashSet();

        var missing = MappedRoutes().Except(described);

        Assert.Empty(missing);
        Assert.Contains("POST /v1/holds/{hold}/capture", described);
    }

    [Fact]
    public async Task The_description_says_what_is_answered_and_what_every_post_takes()
    {
        var operations = (await Description()).GetProperty("paths").EnumerateObject()
            .Where(path => path.Name.StartsWith("/v1/", StringComparison.Ordinal))
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => (path.Name, Operation: operation)));

        Assert.All(operations, one =>
        {
            Assert.True(one.Operation.Value.TryGetProperty("summary", out _), one.Name);
            var good = Assert.Single(
                one.Operation.Value.GetProperty("responses").EnumerateObject(),
                response => response.Name.StartsWith('2'));
            if (good.Name != "204")
            {
                var content = good.Value.GetProperty("content").GetProperty("application/json");
                Assert.True(content.GetProperty("schema").TryGetProperty("$ref", out _), $"{one.Operation.Name} {one.Name}");
            }

            if (one.Operation.Name == "post") Assert.Contains("Idempotency-Key", Parameters(one.Operation.Value));
        });
    }

    [Fact]
    public async Task The_description_says_how_every_operation_fails()
    {
        // Of which those that speak another API fail as that one does.
        var operations = (await Description()).GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject())
            .Where(operation => !operation.Value.TryGetProperty("externalDocs", out _));

        Assert.All(operations, operation => Assert.Equal(
            "#/components/schemas/ErrorBody",
            operation.Value.GetProperty("responses").GetProperty("default").GetProperty("content")
                .GetProperty("application/json").GetProperty("schema").GetProperty("$ref").GetString()));
    }

    [Fact]
    public async Task The_description_sends_to_the_documentation_of_the_APIs_that_are_spoken()
    {
        var paths = (await Description()).GetProperty("paths");
        string[] spoken = [.. paths.EnumerateObject().Select(path => path.Name).Where(path =>
            path.StartsWith("/openai/", StringComparison.Ordinal) || path.StartsWith("/anthropic/", StringComparison.Ordinal))];

        var chat = paths.GetProperty("/openai/v1/chat/completions").GetProperty("post");

        Assert.Equal(11, spoken.Length);
        Assert.All(spoken, path => Assert.All(paths.GetProperty(path).EnumerateObject(), operation =>
        {
            Assert.StartsWith("https://", operation.Value.GetProperty("externalDocs").GetProperty("url").GetString(), StringComparison.Ordinal);
            Assert.True(operation.Value.TryGetProperty("summary", out _));
            Assert.Equal(2, operation.Value.GetProperty("security").GetArrayLength());
        }));
        Assert.Contains("Purser-Call-Id", Answered.Names(chat.GetProperty("responses").GetProperty("200").GetProperty("headers")));
        Assert.True(chat.GetProperty("requestBody").GetProperty("content").TryGetProperty("application/json", out _));
        Assert.DoesNotContain("Idempotency-Key", chat.GetRawText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/customers/{customer}/keys", "limit", "after")]
    [InlineData("/v1/customers/{customer}/calls", "key", "limit", "after")]
    [InlineData("/v1/customers/{customer}/usage", "from", "to", "group_by")]
    [InlineData("/v1/webhook-events", "state", "limit", "after")]
    public async Task The_description_says_what_a_query_may_ask_for(string path, params string[] names)
    {
        var operation = (await Description()).GetProperty("paths").GetProperty(path).GetProperty("get");

        Assert.Empty(names.Except(Parameters(operation)));
    }

    [Fact]
    public async Task The_description_says_of_every_member_what_it_is()
    {
        var schemas = (await Description()).GetProperty("components").GetProperty("schemas").EnumerateObject();

        Assert.All(
            from schema in schemas
            where schema.Value.TryGetProperty("properties", out _)
            from member in schema.Value.GetProperty("properties").EnumerateObject()
            select $"{schema.Name}.{member.Name} {member.Value.GetRawText()}",
            member => Assert.Matches("\"(type|\\$ref|oneOf|anyOf)\"", member));
    }

    [Fact]
    public async Task The_description_requires_nothing_of_an_answer_that_may_be_left_out()
    {
        var customer = await app.Purser.GivenCustomer(1);
        var schemas = (await Description()).GetProperty("components").GetProperty("schemas");
        var answers = new Dictionary<string, Answered>
        {
            ["GrantAnswer"] = await app.Client.Post($"/v1/customers/{customer}/grants", """{"amount":1,"source":"purchase"}"""),
            ["ChargeAnswer"] = await app.Client.Post($"/v1/customers/{customer}/charges", """{"amount":1}"""),
            ["CustomerAnswer"] = await app.Client.Read($"/v1/customers/{customer}"),
            ["PageOfEntryAnswer"] = await app.Client.Read($"/v1/customers/{customer}/entries"),
        };

        Assert.All(answers, one => Assert.Subset(one.Value.Members.ToHashSet(), Required(one.Key)));
        var entry = answers["PageOfEntryAnswer"].Json.GetProperty("data")[0];
        Assert.Subset(Answered.Names(entry).ToHashSet(), Required("EntryAnswer"));
        Assert.Contains("reason", Required("EntryAnswer"));

        HashSet<string> Required(string schema) =>
            [.. schemas.GetProperty(schema).GetProperty("required").EnumerateArray().Select(name => name.GetString()!)];
    }

    [Fact]
    public async Task The_page_that_shows_the_description_loads()
    {
        var page = await app.Client.Read("/docs");
        var script = await app.Client.Read("/docs/swagger-ui-bundle.js");

        Assert.Equal((200, 200), (page.Status, script.Status));
        Assert.Contains("Purser API", page.Body, StringComparison.Ordinal);
    }

    async Task<JsonElement> Description() => (await app.Client.Read("/openapi/v1.json")).Json;

    // The description does not describe itself, and what answers for unknown routes is none.
    IEnumerable<string> MappedRoutes() =>
        from endpoint in app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        let route = "/" + endpoint.RoutePattern.RawText!.Trim('/')
        where !route.StartsWith("/openapi", StringComparison.Ordinal) && !route.Contains("**", StringComparison.Ordinal)
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []
        select $"{method} {route}";

    static IEnumerable<string?> Parameters(JsonElement operation) =>
        operation.GetProperty("parameters").EnumerateArray().Select(parameter => parameter.GetProperty("name").GetString());
}
