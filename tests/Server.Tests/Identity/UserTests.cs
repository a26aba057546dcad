using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Purser.Server.Identity;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Identity;

/// <summary>A server whose users come from an issuer, with a route for them.</summary>
public sealed class UserApp : IAsyncLifetime
{
    readonly List<HttpClient> clients = [];
    Postgres postgres = null!;
    WebApplication server = null!;

    internal ManualTime Time { get; } = new(new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));

    internal TestIssuer Issuer { get; private set; } = null!;

    public string ConnectionString => postgres.ConnectionString;

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        Issuer = await TestIssuer.Start();
        var settings = Given.Settings with { Oidc = Issuer.Access, Origins = ["https://app.example"] };
        server = await PurserServer.Build(settings, ConnectionString, services => services.AddSingleton<TimeProvider>(Time));
        var routes = server.MapGroup("/test").ForUsers().ForBrowsers()
            .WithMetadata(new ErrorForm(error => TypedResults.Text(error.Code, statusCode: (int)error.Kind)));
        routes.MapGet("/me", (HttpContext http) => http.Features.Get<User>()!.Customer.Value);
        routes.MapGet("/fail", void () => throw new InvalidRequestException("x", "no"));
        await server.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients) client.Dispose();
        await server.StopAsync();
        await server.DisposeAsync();
        await Issuer.DisposeAsync();
        await postgres.DisposeAsync();
    }

    public HttpClient As(string token)
    {
        var client = new HttpClient { BaseAddress = new(server.Urls.Single()) };
        clients.Add(client);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    public HttpClient AsUser(string user, bool admin = false) => As(Issuer.Token(user, Time.GetUtcNow(), admin));
}

public sealed class UserTests(UserApp app) : IClassFixture<UserApp>
{
    [Fact]
    public async Task A_user_is_recognised_and_becomes_a_customer()
    {
        var me = await app.AsUser("ada").Read("/test/me");

        Assert.Equal((200, "ada"), (me.Status, me.Body));
        var customer = await app.As(Given.AdminKey).Read("/v1/customers/ada");
        Assert.Equal("ada@example.com", customer.Text("email"));
    }

    [Fact]
    public async Task A_customer_who_is_there_already_stays_as_he_is()
    {
        await app.As(Given.AdminKey).Put("/v1/customers/bob", """{"name":"Bob","email":"bob@home.example"}""");

        await app.AsUser("bob").Read("/test/me");

        Assert.Equal("bob@home.example", (await app.As(Given.AdminKey).Read("/v1/customers/bob")).Text("email"));
    }

    [Fact]
    public async Task Keys_open_no_door_of_users()
    {
        Assert.Equal(401, (await app.As(Given.AdminKey).Read("/test/me")).Status);
        Assert.Equal(401, (await app.As("a.b.c").Read("/test/me")).Status);
    }

    [Fact]
    public async Task A_name_that_no_customer_can_have_is_refused() =>
        Assert.Equal((401, "invalid_token"), Told(await app.AsUser("auth0|7").Read("/test/me")));

    [Fact]
    public async Task Errors_come_in_the_form_of_the_route_wherever_they_arise()
    {
        Assert.Equal((401, "invalid_token"), Told(await app.As("a.b.c").Read("/test/me")));
        Assert.Equal((400, "invalid_value"), Told(await app.AsUser("ada").Read("/test/fail")));
    }

    [Fact]
    public async Task Users_are_kept_out_of_everything_else()
    {
        var refused = await app.AsUser("ada").Read("/v1/customers/ada");

        Assert.Equal((403, "admin_only"), (refused.Status, refused.Error.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task An_administrator_may_do_what_the_admin_key_may_and_it_is_written_down()
    {
        await app.AsUser("cleo").Read("/test/me");
        var admin = app.AsUser("keeper", admin: true);

        var granted = await admin.Post("/v1/customers/cleo/grants", """{"amount":5,"source":"promotion"}""");
        var refused = await admin.Post("/v1/customers/nobody/grants", """{"amount":5,"source":"promotion"}""");

        Assert.Equal((201, 404), (granted.Status, refused.Status));
        await Eventually.Holds(async () => (await Log("keeper")).Order(StringComparer.Ordinal).SequenceEqual(
        [
            "POST /v1/customers/cleo/grants 201", "POST /v1/customers/nobody/grants 404",
        ]));
    }

    [Fact]
    public async Task What_machines_do_with_the_admin_key_is_written_down_where_only_that_key_fits()
    {
        var key = app.As(Given.AdminKey);
        await key.Put("/v1/customers/dora", "{}");
        await key.Post("/v1/server-keys", """{"name":"worker"}""");

        await Eventually.Holds(async () => (await Log("admin key")).Contains("POST /v1/server-keys 201"));
        Assert.DoesNotContain(await Log("admin key"), line => line.Contains("dora", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_log_can_be_read_by_administrators_alone_and_changed_by_nobody()
    {
        Assert.Equal(403, (await app.AsUser("ada").Read("/v1/audit")).Status);
        await app.AsUser("root", admin: true).Post("/v1/server-keys", """{"name":"worker"}""");

        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => Tables.Run(app.ConnectionString, "update audit set actor = 'nobody'"));
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => Tables.Run(app.ConnectionString, "delete from audit"));
    }

    [Theory]
    [InlineData("https://app.example", "https://app.example")]
    [InlineData("https://app.example.evil.example", null)]
    [InlineData("http://app.example", null)]
    [InlineData("null", null)]
    public async Task Only_pages_of_the_configured_origins_may_call(string origin, string? allowed)
    {
        using var preflight = new HttpRequestMessage(HttpMethod.Options, new Uri("/test/me", UriKind.Relative));
        preflight.Headers.Add("Origin", origin);
        preflight.Headers.Add("Access-Control-Request-Method", "GET");
        using var call = new HttpRequestMessage(HttpMethod.Get, new Uri("/test/fail", UriKind.Relative));
        call.Headers.Add("Origin", origin);
        var client = app.AsUser("ada");

        Assert.Equal(allowed, (await client.Ask(preflight)).Header("Access-Control-Allow-Origin"));
        var answer = await client.Ask(call);
        Assert.Equal(allowed, answer.Header("Access-Control-Allow-Origin"));
        Assert.StartsWith("default-src 'none'", answer.Header("Content-Security-Policy"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_may_read_what_a_call_was_limited_to_and_what_it_cost()
    {
        using var call = new HttpRequestMessage(HttpMethod.Get, new Uri("/test/me", UriKind.Relative));
        call.Headers.Add("Origin", "https://app.example");

        var exposed = (await app.AsUser("ada").Ask(call)).Header("Access-Control-Expose-Headers")!.Split(',', StringSplitOptions.TrimEntries);

        Assert.Contains("Purser-Limited-To", exposed);
        Assert.Contains("Purser-Charged", exposed);
    }

    [Fact]
    public async Task Purser_s_own_routes_are_for_no_browser()
    {
        using var preflight = new HttpRequestMessage(HttpMethod.Options, new Uri("/v1/customers/ada", UriKind.Relative));
        preflight.Headers.Add("Origin", "https://app.example");
        preflight.Headers.Add("Access-Control-Request-Method", "GET");

        Assert.Null((await app.AsUser("ada").Ask(preflight)).Header("Access-Control-Allow-Origin"));
    }

    static (int, string) Told(Answered answer) => (answer.Status, answer.Body);

    async Task<List<string>> Log(string actor)
    {
        var page = await app.As(Given.AdminKey).Read($"/v1/audit?actor={Uri.EscapeDataString(actor)}");
        return
        [
            .. from line in page.Json.GetProperty("data").EnumerateArray()
               let status = line.TryGetProperty("status", out var said) ? $"{said}" : "under way"
               select $"{line.GetProperty("method").GetString()} {line.GetProperty("path").GetString()} {status}",
        ];
    }
}
