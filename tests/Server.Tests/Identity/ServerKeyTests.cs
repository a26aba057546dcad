using System.Net.Http.Headers;

namespace Purser.Server.Tests.Identity;

public sealed class ServerKeyTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task A_server_key_does_what_the_product_needs()
    {
        var key = await Make("web");

        var customer = await As(key.Text("key")).Put("/v1/customers/of-web", "{}");

        Assert.Equal(201, key.Status);
        Assert.Equal(["created_at", "id", "key", "name"], key.Members);
        Assert.Equal(200, customer.Status);
    }

    [Fact]
    public async Task A_key_asked_for_again_is_the_same_key_and_no_table_knows_it()
    {
        var first = await app.Client.Post("/v1/server-keys", """{"name":"again"}""", "once");
        var again = await app.Client.Post("/v1/server-keys", """{"name":"again"}""", "once");
        var other = await app.Client.Post("/v1/server-keys", """{"name":"other"}""", "once");

        Assert.Equal((first.Body, false, true), (again.Body, first.Replayed, again.Replayed));
        Assert.Equal((409, "idempotency_key_reused"), (other.Status, other.Error.GetProperty("code").GetString()));
        var kept = await Tables.Read<byte[]>(app.ConnectionString, "select answer from answered_request");
        Assert.DoesNotContain(first.Text("key")[4..], string.Join('\n', kept.Select(System.Text.Encoding.Latin1.GetString)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_is_shown_once()
    {
        var key = await Make("shown once");

        var list = await app.Client.Read("/v1/server-keys?limit=500");

        var listed = list.Json.GetProperty("data").EnumerateArray()
            .Single(one => one.GetProperty("id").GetString() == key.Text("id"));
        Assert.Equal(["created_at", "id", "name"], Answered.Names(listed));
        Assert.DoesNotContain(key.Text("key"), list.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_database_does_not_know_a_key()
    {
        var key = await Make("secret");

        var rows = await Tables.Read<string>(app.ConnectionString, "select server_key::text from server_key");

        Assert.NotEmpty(rows);
        Assert.DoesNotContain(key.Text("key"), string.Join('\n', rows), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revoked_key_is_refused_at_once()
    {
        var key = await Make("revoked");
        var http = As(key.Text("key"));
        Assert.Equal(200, (await http.Read("/v1/customers")).Status);

        var revoked = await app.Client.Call(HttpMethod.Delete, $"/v1/server-keys/{key.Text("id")}");

        Assert.Equal((204, ""), (revoked.Status, revoked.Body));
        var answer = await http.Read("/v1/customers");
        Assert.Equal((401, "unknown_key"), (answer.Status, answer.Error.GetProperty("code").GetString()));
        Assert.Equal("Bearer", answer.Header("WWW-Authenticate"));
    }

    [Fact]
    public async Task A_key_that_is_revoked_stays_in_the_list_with_the_time()
    {
        var key = await Make("gone");
        await app.Client.Call(HttpMethod.Delete, $"/v1/server-keys/{key.Text("id")}");
        await app.Client.Call(HttpMethod.Delete, $"/v1/server-keys/{key.Text("id")}");

        var list = await app.Client.Read("/v1/server-keys?limit=500");

        var listed = list.Json.GetProperty("data").EnumerateArray()
            .Single(one => one.GetProperty("id").GetString() == key.Text("id"));
        Assert.Equal(["created_at", "id", "name", "revoked_at"], Answered.Names(listed));
    }

    [Fact]
    public async Task Only_the_admin_key_makes_lists_and_revokes_keys()
    {
        var key = await Make("curious");
        var http = As(key.Text("key"));

        Answered[] answers =
        [
            await http.Post("/v1/server-keys", """{"name":"mine"}"""),
            await http.Read("/v1/server-keys"),
            await http.Call(HttpMethod.Delete, $"/v1/server-keys/{key.Text("id")}"),
        ];

        Assert.All(answers, answer => Assert.Equal(
            (403, "forbidden", "admin_only"),
            (answer.Status, answer.Error.GetProperty("type").GetString(), answer.Error.GetProperty("code").GetString())));
        Assert.Equal(200, (await http.Read("/v1/customers")).Status);
    }

    [Fact]
    public async Task A_key_that_never_was_cannot_be_revoked()
    {
        var answer = await app.Client.Call(HttpMethod.Delete, $"/v1/server-keys/srv_{Guid.CreateVersion7():N}");

        Assert.Equal((404, "not_found"), (answer.Status, answer.Error.GetProperty("type").GetString()));
    }

    [Fact]
    public async Task A_key_is_asked_for_before_anything_else_is_looked_at()
    {
        using var http = new HttpClient { BaseAddress = app.Client.BaseAddress };

        var answer = await http.Post("/v1/customers/nobody/charges", "not even JSON");

        Assert.Equal((401, "unauthorized"), (answer.Status, answer.Error.GetProperty("type").GetString()));
    }

    Task<Answered> Make(string name) => app.Client.Post("/v1/server-keys", $$"""{"name":"{{name}}"}""");

    HttpClient As(string key) => new()
    {
        BaseAddress = app.Client.BaseAddress,
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", key) },
    };
}
