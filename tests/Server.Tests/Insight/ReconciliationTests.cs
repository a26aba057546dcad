using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Server.Insight;
using Purser.Server.Platform;
using Purser.Server.Tests.Ledger;

namespace Purser.Server.Tests.Insight;

/// <summary>A server of one's own, whose tables are changed behind its back.</summary>
public sealed class ReconciliationTests : IAsyncLifetime
{
    readonly App app = new();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => app.InitializeAsync();

    public ValueTask DisposeAsync() => app.DisposeAsync();

    [Fact]
    public async Task While_all_is_well_they_find_nothing_and_raise_nothing()
    {
        await GivenUsage();

        Assert.Equal("""{"balances":[],"usage":[]}""", (await app.Client.Read("/v1/reconciliation")).Body);
        await RunTheDailyJob();
        Assert.Empty((await app.Client.Read("/v1/alerts")).Json.GetProperty("data").EnumerateArray());
    }

    [Fact]
    public async Task A_balance_that_its_entries_do_not_bear_out_is_an_alert_until_it_is_closed()
    {
        var customer = await GivenUsage();
        await Tables.Run(app.ConnectionString, "update wallet set balance = balance + 200000");

        await RunTheDailyJob();
        await RunTheDailyJob();

        var alert = Assert.Single((await app.Client.Read("/v1/alerts?state=open")).Json.GetProperty("data").EnumerateArray());
        Assert.Equal(("balance_mismatch", customer), (alert.GetProperty("kind").GetString(), alert.GetProperty("subject").GetString()));
        var closed = await app.Client.Post($"/v1/alerts/{alert.GetProperty("id").GetString()}/close", "{}");
        Assert.Equal((200, "admin key"), (closed.Status, closed.Text("closed_by")));
        await RunTheDailyJob();
        Assert.Equal(2, (await app.Client.Read("/v1/alerts")).Json.GetProperty("data").GetArrayLength());
    }

    // A call that the ledger took nothing for, and one that it took more for than is written of it.
    [Theory]
    [InlineData(2_000_000, "")]
    [InlineData(0, "alter table entry disable trigger append_only; update entry set hold = 99 where kind = 2")]
    public async Task Usage_that_the_ledger_does_not_bear_out_is_an_alert(long charged, string change)
    {
        await GivenUsage();
        await Tables.Run(app.ConnectionString, $"""
            insert into call (bucket, wallet_id, number, key, wire, model, stream, own_key, ending, estimated, held, charged, shortfall, started_at, took_ms)
            select bucket, id, 99, id, 1, 'openai/gpt-4o', false, false, 1, false, 0, {charged}, 0, '2026-01-01T12:00Z', 1 from wallet;
            {change}
            """);

        await RunTheDailyJob();

        var alert = Assert.Single((await app.Client.Read("/v1/alerts")).Json.GetProperty("data").EnumerateArray());
        Assert.Equal("usage_mismatch", alert.GetProperty("kind").GetString());
    }

    [Fact]
    public async Task Questions_that_take_too_long_are_an_alert_and_no_failure_that_has_them_asked_again()
    {
        await GivenUsage();
        await using var connection = new NpgsqlConnection(app.ConnectionString);
        await connection.OpenAsync(Ct);
        await using var transaction = await connection.BeginTransactionAsync(Ct);
        await using var inTheWay = new NpgsqlCommand("lock table call in access exclusive mode", connection, transaction);
        await inTheWay.ExecuteNonQueryAsync(Ct);

        await DailyReconciliation.Run(
            new(app.Services.GetRequiredService<NpgsqlDataSource>(), TimeSpan.FromSeconds(1)), app.Services.GetRequiredService<Alerts>(),
            app.Time.GetUtcNow(), Ct);

        var alert = Assert.Single((await app.Client.Read("/v1/alerts")).Json.GetProperty("data").EnumerateArray());
        Assert.Equal("reconciliation_unfinished", alert.GetProperty("kind").GetString());
    }

    [Fact]
    public async Task The_views_speak_of_millicredits_and_of_the_product_s_own_customers()
    {
        var customer = await GivenUsage();

        Assert.Equal([4987.5m], await Tables.Read<decimal>(
            app.ConnectionString, $"select balance_millicredits from credit_balance where user_id = '{customer}'"));
        Assert.Equal(["purchase 12500.000", "deduction -5000.000", "deduction -2512.500"], await Tables.Read<string>(
            app.ConnectionString, $"select type || ' ' || amount_millicredits from credit_ledger where user_id = '{customer}' order by seq"));
        Assert.Equal(["amount 2512.500", "title_ideas 5000.000"], await Tables.Read<string>(
            app.ConnectionString, $"select model || ' ' || charged_millicredits from usage_events where user_id = '{customer}' order by 1"));
    }

    [Fact]
    public async Task The_last_lines_of_a_ledger_are_found_by_their_numbers()
    {
        var customer = await GivenUsage();

        var lines = await app.Services.GetRequiredService<Db>().LastLines(Core.CustomerId.Parse(customer, null), 2, Ct);

        Assert.Equal([-2512.5m, -5000m], lines.Select(line => line.AmountMillicredits));
    }

    [Fact]
    public async Task The_day_s_figures_are_in_the_metrics()
    {
        await GivenUsage();

        await app.Services.GetRequiredService<Finances>().Refresh(Ct);

        var metrics = (await app.Client.Read("/metrics")).Body;
        Assert.Matches(new Regex(@"^finance_liability_credits_usd 0\.0049875$", RegexOptions.Multiline), metrics);
        Assert.Contains("\nbilling_credits_deducted_total{model=\"title_ideas\"} 5\n", metrics, StringComparison.Ordinal);
    }

    /// <summary>12.5 credits bought, an operation of 5 and an amount of 2.5125 charged.</summary>
    async Task<string> GivenUsage()
    {
        var customer = await app.Purser.GivenCustomer(12.5m);
        await app.Client.Post($"/v1/customers/{customer}/charges", """{"operation":"title_ideas"}""");
        await app.Client.Post($"/v1/customers/{customer}/charges", """{"amount":2.5125}""");
        return customer;
    }

    async Task RunTheDailyJob()
    {
        var job = app.Services.GetServices<Job>().Single(job => job.Name == DailyReconciliation.Name);
        await job.Run(app.Time.GetUtcNow(), Ct);
    }
}
