using Npgsql;
using Purser.Server.Insight;
using Purser.Server.Ledger;
using Purser.Server.Tests.Ledger;
using Purser.Server.Tests.Payments;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Insight;

/// <summary>A shop of one's own: the journal is of all that was sold.</summary>
public sealed class JournalTests : IAsyncLifetime
{
    readonly Shop shop = new();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => shop.InitializeAsync();

    public ValueTask DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task What_is_paid_is_owed_until_it_is_used()
    {
        var customer = await Bought("starter");
        await shop.Purser.Charges.CreateAsync(customer, new() { Amount = 999 }, Ct);
        await Followed();

        // A tenth of the credits is gone, and so a tenth of $9.99 is earned.
        Assert.Equal(("999", "-899.100000", "-99.900000"), (await Sum("cash"), await Sum("deferred_revenue"), await Sum("revenue")));
        await AssertProven();
    }

    [Fact]
    public async Task What_was_given_away_earns_nothing_and_is_used_in_its_turn()
    {
        var customer = await Bought("starter");
        await shop.Client.Post($"/v1/customers/{customer}/grants", """{"amount":100,"source":"promotion","priority":1}""");
        await shop.Purser.Charges.CreateAsync(customer, new() { Amount = 100 }, Ct);
        await Followed();

        Assert.Equal("0", await Sum("revenue"));
        await AssertProven();
    }

    [Fact]
    public async Task Credits_that_were_paid_for_elsewhere_count_as_sold()
    {
        var customer = await shop.GivenCustomer();
        await shop.Client.Post(
            $"/v1/customers/{customer}/grants", """{"amount":300,"source":"purchase","paid":{"minor":100,"currency":"eur"}}""");
        await shop.Purser.Charges.CreateAsync(customer, new() { Amount = 100 }, Ct);
        await shop.Purser.Charges.CreateAsync(customer, new() { Amount = 200 }, Ct);
        await Followed();

        // In thirds, and yet all of it and no more when all is used.
        Assert.Equal(("100", "0.000000", "-100.000000"), (await Sum("cash", "eur"), await Sum("deferred_revenue", "eur"), await Sum("revenue", "eur")));
        await AssertProven();
    }

    [Fact]
    public async Task A_refund_takes_money_and_what_was_owed_for_it()
    {
        var customer = await Bought("starter");
        await shop.Purser.Charges.CreateAsync(customer, new() { Amount = 999 }, Ct);
        var order = (await shop.Client.Read($"/v1/customers/{customer}/orders")).Json.GetProperty("data")[0].GetProperty("id").GetString();

        var refunded = await shop.Client.Post($"/v1/orders/{order}/refund", """{"reason":"changed my mind"}""");
        Assert.Equal(201, refunded.Status);
        await shop.Delivered();
        await Followed();

        Assert.Equal(("0.000000", "-99.900000"), (await Sum("deferred_revenue"), await Sum("revenue")));
        Assert.Equal(999 - refunded.Json.GetProperty("money").GetProperty("minor").GetInt64(), decimal.Parse(await Sum("cash"), null));
        await AssertProven();
    }

    [Fact]
    public async Task A_subscription_is_earned_like_any_other_credits()
    {
        var customer = await shop.GivenCustomer();
        var (_, session) = await shop.Checkout(customer, """{"plan":"team","interval":"month"}""");
        await shop.Stripe.Pay(session);
        await shop.Delivered();
        await Followed();

        await AssertProven();
    }

    [Fact]
    public async Task A_row_that_somebody_changed_is_found()
    {
        var customer = await Bought("starter");
        await shop.Purser.Charges.CreateAsync(customer, new() { Amount = 999 }, Ct);
        await Followed();

        await Tables.Run(shop.ConnectionString, "update lot_day set amount = amount - 1000000");
        Assert.NotEmpty((await Prove()).Differences);
        Assert.False((await Wallets.Verify(shop.ConnectionString)).Ok);
        await Tables.Run(shop.ConnectionString, "update lot_day set amount = amount + 1000000");

        await Tables.Run(shop.ConnectionString, "update orders set refunded_minor = 1");
        Assert.NotEmpty((await Prove()).Differences);
    }

    [Fact]
    public async Task It_can_be_read_by_day()
    {
        await Bought("starter");

        var page = (await shop.Client.Read("/v1/journal")).Json.GetProperty("data").EnumerateArray().ToList();

        Assert.Equal(["cash", "deferred_revenue"], page.Select(line => line.GetProperty("account").GetString()));
        Assert.Equal(400, (await shop.Client.Read("/v1/journal?from=2020-01-01&to=2026-01-01")).Status);
    }

    async Task<string> Bought(string package)
    {
        var customer = await shop.GivenCustomer();
        var (_, session) = await shop.Checkout(customer, $$"""{"package":"{{package}}"}""");
        await shop.Stripe.Pay(session);
        await shop.Delivered();
        return customer;
    }

    /// <summary>The lots have followed the ledger, which they do by themselves when nothing else is to be done.</summary>
    async Task Followed()
    {
        await using var connection = new NpgsqlConnection(shop.ConnectionString);
        await connection.OpenAsync(Ct);
        await Eventually.Holds(async () =>
        {
            var lagging = await Tables.Read<int>(shop.ConnectionString, """
                select distinct w.bucket from wallet w join projection p on p.bucket = w.bucket and p.wallet_id = w.id where p.seq < w.seq
                """);
            foreach (var bucket in lagging) await LotRows.FollowBucket(connection, bucket, Ct);
            return lagging.Count == 0;
        });
    }

    async Task<string> Sum(string account, string currency = "usd") => (await Tables.Read<string>(
        shop.ConnectionString,
        $"select coalesce(sum(debit) - sum(credit), 0)::text from journal where account = '{account}' and currency = '{currency}'")).Single();

    async Task<JournalProofAnswer> Prove()
    {
        await using var source = NpgsqlDataSource.Create(shop.ConnectionString);
        return await JournalProof.Run(source, Ct);
    }

    async Task AssertProven()
    {
        Assert.Empty((await Prove()).Differences);
        await Wallets.AssertProven(shop.ConnectionString);
    }
}
