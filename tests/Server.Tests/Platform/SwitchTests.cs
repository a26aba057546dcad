using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Purser.Server.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

public sealed class SwitchTests : IAsyncLifetime
{
    readonly List<WebApplication> servers = [];
    Postgres postgres = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => postgres = await Postgres.Create();

    public async ValueTask DisposeAsync()
    {
        foreach (var server in servers)
        {
            await server.StopAsync(CancellationToken.None);
            await server.DisposeAsync();
        }

        await postgres.DisposeAsync();
    }

    [Fact]
    public async Task A_switch_is_changed_on_every_server()
    {
        var (first, second) = (await Start(), await Start());
        using var http = Client(first);

        var answer = await http.Put("/v1/switches/BILLING_CHARGING_ENABLED", """{"value":false}""");

        Assert.Equal((200, "false", "admin key"), (answer.Status, answer.Text("value"), answer.Text("changed_by")));
        Assert.False(IsOn(first));
        await Eventually.Holds(() => !IsOn(second));
    }

    [Fact]
    public async Task All_of_them_are_listed_with_what_they_take()
    {
        using var http = Client(await Start());

        var list = (await http.Read("/v1/switches")).Json.GetProperty("data").EnumerateArray()
            .Select(one => $"{one.GetProperty("name").GetString()}={one.GetProperty("value").GetString()} ({one.GetProperty("takes").GetString()})");

        Assert.Equal(
            [
                "BILLING_AUTO_RECHARGE=true (true or false)",
                "BILLING_CHARGING_ENABLED=true (true or false)",
                "BILLING_PURCHASE_ENABLED=true (true or false)",
                "BILLING_ROLLOUT_PERCENTAGE=100 (a whole number from 0 to 100)",
                "BILLING_ROUNDING_MODE=catalog (catalog, exact or ceil)",
            ], list);
    }

    [Theory]
    [InlineData("BILLING_CHARGING_ENABLED", """{"value":"off"}""", 400)]
    [InlineData("BILLING_ROLLOUT_PERCENTAGE", """{"value":101}""", 400)]
    [InlineData("BILLING_ROLLOUT_PERCENTAGE", """{"value":5.5}""", 400)]
    [InlineData("BILLING_ROLLOUT_PERCENTAGE", "{}", 400)]
    [InlineData("BILLING_EVERYTHING", """{"value":true}""", 404)]
    public async Task What_a_switch_does_not_take_changes_nothing(string name, string body, int status)
    {
        using var http = Client(await Start());

        Assert.Equal(status, (await http.Put($"/v1/switches/{name}", body)).Status);

        Assert.Empty(await Tables.Read<string>(postgres.ConnectionString, "select name from switch"));
    }

    [Fact]
    public async Task What_was_changed_outlives_a_restart_while_the_environment_says_the_same()
    {
        var first = await Start(("BILLING_CHARGING_ENABLED", "true"));
        await Change(first, "false");

        Assert.False(IsOn(await Start(("BILLING_CHARGING_ENABLED", "true"))));
        Assert.False(IsOn(await Start()));
    }

    [Fact]
    public async Task A_server_that_starts_with_another_value_changes_it_for_all()
    {
        var first = await Start(("BILLING_CHARGING_ENABLED", "true"));

        var second = await Start(("BILLING_CHARGING_ENABLED", "false"));

        Assert.False(IsOn(second));
        await Eventually.Holds(() => !IsOn(first));
    }

    [Theory]
    [InlineData("BILLING_CHARGING_ENABLED", "true", "false")]
    [InlineData("BILLING_PURCHASE_ENABLED", "true", "false")]
    [InlineData("BILLING_AUTO_RECHARGE", "true", "false")]
    [InlineData("BILLING_ROLLOUT_PERCENTAGE", "25", "5")]
    public async Task An_environment_that_switches_something_off_counts_at_every_start(string name, string more, string less)
    {
        var first = await Start((name, less));
        await Change(first, more, name);

        var second = await Start((name, less));

        Assert.Equal(less, Value(second, name));
        await Eventually.Holds(() => Value(first, name) == less);
    }

    // As one that crashes and comes back does, while somebody has switched charging off.
    [Theory]
    [InlineData("BILLING_CHARGING_ENABLED", "true", "false")]
    [InlineData("BILLING_ROLLOUT_PERCENTAGE", "100", "5")]
    public async Task An_environment_that_has_always_switched_something_on_does_not_undo_what_was_switched_off_and_says_so(
        string name, string more, string less)
    {
        var first = await Start((name, more));
        await Change(first, less, name);

        await using var second = ServerProcess.Serve(postgres.ConnectionString, (name, more));
        await second.WaitReady();

        Assert.Equal(less, Value(first, name));
        Assert.Contains($"{name} is {less}, set by test", second.Output, StringComparison.Ordinal);
        Assert.Contains($"./purser switch {name} {more} if it is meant", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_environment_that_switches_something_on_again_counts()
    {
        await Start(("BILLING_CHARGING_ENABLED", "true"));
        await Start(("BILLING_CHARGING_ENABLED", "false"));

        Assert.True(IsOn(await Start(("BILLING_CHARGING_ENABLED", "true"))));
    }

    [Fact]
    public async Task A_start_that_is_refused_is_one_line_and_has_changed_nothing()
    {
        await using var process = ServerProcess.Serve(
            postgres.ConnectionString, ("BILLING_CHARGING_ENABLED", "false"), ("BILLING_ROLLOUT_PERCENTAGE", "many"));

        Assert.Equal(1, await process.WaitEnd());
        Assert.Equal(
            "purser: BILLING_ROLLOUT_PERCENTAGE must be a whole number from 0 to 100.",
            Assert.Single(process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        var server = await Start();
        Assert.Equal("true", Value(server, "BILLING_CHARGING_ENABLED"));
        Assert.Empty(await Tables.Read<string>(postgres.ConnectionString, "select name from switch"));
    }

    [Fact]
    public async Task A_server_does_not_start_with_a_value_that_makes_no_sense()
    {
        var failure = await Assert.ThrowsAsync<StartFailure>(
            () => Start(("BILLING_CHARGING_ENABLED", "yes"), ("BILLING_ROLLOUT_PERCENTAGE", "many"), ("BILLING_OF_OTHERS", "x")));

        Assert.Equal(
            ["BILLING_CHARGING_ENABLED must be true or false.", "BILLING_ROLLOUT_PERCENTAGE must be a whole number from 0 to 100."],
            failure.Lines.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_command_changes_them_too_and_is_written_down()
    {
        var server = await Start();

        var changed = await Command("switch", "BILLING_CHARGING_ENABLED", "false");
        var listed = await Command("switch");

        Assert.Equal((0, 0), (changed.Code, listed.Code));
        Assert.Contains("BILLING_CHARGING_ENABLED=false   # command line", listed.Output, StringComparison.Ordinal);
        await Eventually.Holds(() => !IsOn(server));
        Assert.Equal(["BILLING_CHARGING_ENABLED: false"], await Tables.Read<string>(postgres.ConnectionString, "select note from audit"));
        Assert.Equal(1, (await Command("switch", "BILLING_CHARGING_ENABLED", "no")).Code);
    }

    // The shell of whoever is in a hurry has no key of Stripe's, and the catalog may be what is wrong.
    [Theory]
    [InlineData("BILLING_PURCHASE_ENABLED", "false")]
    [InlineData("BILLING_AUTO_RECHARGE", "false")]
    [InlineData("BILLING_ROUNDING_MODE", "ceil")]
    [InlineData("BILLING_ROLLOUT_PERCENTAGE", "5")]
    public async Task The_command_needs_nothing_but_the_database(string name, string value)
    {
        await Start();

        await using var process = ServerProcess.On(postgres.ConnectionString, ["switch", name, value], ("PURSER_CATALOG", "/nowhere.yaml"));

        Assert.True(await process.WaitEnd() == 0, process.Output);
        Assert.Equal([$"{name}={value}"], await Tables.Read<string>(postgres.ConnectionString, "select name || '=' || value from switch"));
    }

    [Fact]
    public async Task A_switch_that_is_not_there_is_one_line()
    {
        await Start();

        var (code, output) = await Command("switch", "BILLING_EVERYTHING", "false");
        var (known, line) = await Command("switch", "BILLING_CHARGING_ENABLED");

        Assert.Equal((1, 0), (code, known));
        Assert.Contains("BILLING_EVERYTHING is no switch", Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Equal("BILLING_CHARGING_ENABLED=true", line.Trim());
    }

    [Fact]
    public async Task A_switch_that_is_misspelt_in_the_environment_is_told()
    {
        await using var server = ServerProcess.Serve(postgres.ConnectionString, ("BILLING_CHARGING_ENABLE", "false"));
        await server.WaitReady();

        Assert.Contains("BILLING_CHARGING_ENABLE is set and is no switch", server.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_s_own_environment_changes_nothing()
    {
        var server = await Start();

        await using var process = ServerProcess.On(postgres.ConnectionString, ["switch"], ("BILLING_CHARGING_ENABLED", "false"));

        Assert.Equal(0, await process.WaitEnd());
        Assert.Empty(await Tables.Read<string>(postgres.ConnectionString, "select name from switch"));
        Assert.True(IsOn(server));
    }

    async Task<WebApplication> Start(params (string Name, string Value)[] environment)
    {
        var settings = Given.Settings with { Switches = environment.ToDictionary(one => one.Name, one => one.Value) };
        var server = await PurserServer.Build(settings, postgres.ConnectionString);
        servers.Add(server);
        await server.StartAsync(Ct);
        return server;
    }

    async Task<(int Code, string Output)> Command(params string[] command)
    {
        await using var process = ServerProcess.On(postgres.ConnectionString, command);
        return (await process.WaitEnd(), process.Output);
    }

    static Task Change(WebApplication server, string value, string name = "BILLING_CHARGING_ENABLED")
    {
        var board = server.Services.GetRequiredService<SwitchBoard>();
        return board.Change(board.Find(name)!, value, "test", Ct);
    }

    static string Value(WebApplication server, string name) => server.Services.GetRequiredService<SwitchBoard>().Find(name)!.Text;

    static bool IsOn(WebApplication server) => server.Services.GetRequiredService<Charging>().Enabled.Value;

    static HttpClient Client(WebApplication server)
    {
        var http = new HttpClient { BaseAddress = new(server.Urls.Single()) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", Given.AdminKey);
        return http;
    }
}
