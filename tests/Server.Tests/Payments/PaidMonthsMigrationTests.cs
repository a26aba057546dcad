using Npgsql;
using Purser.Core;
using Purser.Core.Payments;
using Purser.Server.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Payments;

/// <summary>A database that was in use before months were kept one by one.</summary>
public sealed class PaidMonthsMigrationTests : IAsyncLifetime
{
    const string Folder = "Purser.Server.Platform.Migrations.";

    Postgres postgres = null!;
    NpgsqlDataSource source = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.CreateEmpty();
        source = NpgsqlDataSource.Create($"{postgres.ConnectionString};Pooling=false;Timezone=America/New_York");
        await Run("create table migration (name text primary key, at timestamptz not null default now())");
        foreach (var name in Older())
        {
            using var reader = new StreamReader(typeof(Migrator).Assembly.GetManifestResourceStream(name)!);
            await Run(await reader.ReadToEndAsync(Ct));
            await Run($"insert into migration (name) values ('{name}')");
        }

        await Run("insert into customer (id, wallet_id, created_at, updated_at) values ('ann', gen_random_uuid(), now(), now())");
    }

    public async ValueTask DisposeAsync()
    {
        await source.DisposeAsync();
        await postgres.DisposeAsync();
    }

    // Of 120,000 for twelve months of 1,000 credits.
    [Theory]
    [InlineData("as it goes on", 3, true, 3, 9, 9_000, 90_000, true)]
    [InlineData("as it was over before the fourth month", 4, false, 3, 9, 9_000, 90_000, false)]
    [InlineData("at its end", 12, false, 12, 0, 0, 0, false)]
    [InlineData("before its first month", 0, true, 0, 12, 12_000, 120_000, true)]
    [InlineData("refunded", 3, true, 3, 9, 0, 0, false)]
    public async Task A_year_goes_on_where_it_stood(
        string stands, int months, bool goesOn, int granted, int left, int coming, long minor, bool due)
    {
        var start = new DateTimeOffset(2026, 1, 31, 23, 30, 0, TimeSpan.Zero);
        var order = await GivenYear("y", start, start.AddYears(1), months, goesOn ? start.AddMonths(months) : null, granted);
        if (stands == "refunded") await Run($"update orders set refunded_minor = 120000 where id = '{order.Value}'");

        await Migrate();

        var row = Assert.Single(await new Db(source).PaidMonthsOf(order, Ct));
        Assert.Equal((left, new Credits(coming * 1_000_000L), minor), (row.Months.Left, row.Months.Coming, row.Months.Minor));
        Assert.Equal(start.AddYears(1), row.Months.End);
        Assert.Equal((start.AddMonths(granted), "sub_y"), (row.Months.NextAt, row.Subscription));
        Assert.Equal(due, (await new Db(source).DueMonths(false, start.AddYears(2), "", 10, Ct)).Count == 1);
        // The next one has the name that it had: what was granted is not granted again.
        if (left > 0) Assert.Equal($"grant:y:m{granted}", row.Months.Next(new("p", "P")).Identity);
    }

    // A renewal did not say what a month of it brings; the year before it did.
    [Fact]
    public async Task A_year_of_which_nothing_has_come_yet_brings_what_the_one_before_it_did()
    {
        var start = new DateTimeOffset(2025, 5, 1, 0, 0, 0, TimeSpan.Zero);
        await GivenYear("y", start, start.AddYears(1), 12, null, 12);
        var renewal = await GivenOrder("y2", credits: 0, "sub_y");
        await Run($"""
            insert into paid_year (identity, subscription, order_id, livemode, starts_at, ends_at, paid_minor, currency, next_at)
            values ('grant:y2', 'sub_y', '{renewal.Value}', false, '2026-05-01Z', '2027-05-01Z', 120000, 'usd', '2026-05-01Z')
            """);

        await Migrate();

        Assert.Equal(new Credits(12_000_000_000), Assert.Single(await new Db(source).PaidMonthsOf(renewal, Ct)).Months.Coming);
    }

    [Fact]
    public async Task A_year_whose_end_is_no_anniversary_is_counted_back_from_it()
    {
        var end = new DateTimeOffset(2027, 3, 31, 8, 0, 0, TimeSpan.Zero);
        var order = await GivenYear("y", new(2026, 4, 1, 9, 0, 0, TimeSpan.Zero), end, 2, end.AddMonths(-10), 2);

        await Migrate();

        var months = Assert.Single(await new Db(source).PaidMonthsOf(order, Ct)).Months;
        Assert.Equal((end, end.AddMonths(-10), 10), (months.End, months.NextAt, months.Left));
    }

    [Fact]
    public async Task What_refunds_and_disputes_have_taken_is_still_known()
    {
        var order = await GivenOrder("y", credits: 0);
        await Run($"""
            insert into refund (id, order_id, livemode, stripe_id, state, minor, credits, spread, reason, at_stripe, created_at)
            values (gen_random_uuid(), '{order.Value}', false, 're_1', 2, 5, 30, '7:10,4:20', 'x', false, now()),
              (gen_random_uuid(), '{order.Value}', false, 're_2', 2, 5, 0, '', 'x', false, now()),
              (gen_random_uuid(), '{order.Value}', false, 're_3', 1, 5, 10, null, 'x', false, now());
            insert into dispute (id, order_id, livemode, state, minor, credits, hold, spread, reason, created_at)
            values ('dp_open', '{order.Value}', false, 1, 5, 30, 9, null, 'x', now()),
              ('dp_won', '{order.Value}', false, 2, 5, 30, null, '7:30', 'x', now()),
              ('dp_lost', '{order.Value}', false, 3, 5, 30, 9, '7:30', 'x', now())
            """);

        await Migrate();

        var db = new Db(source);
        Assert.Equal([(7, new(10)), (4, new(20))], (await db.RefundAtStripe("re_1", Ct))!.Sources!.Lots);
        Assert.Empty((await db.RefundAtStripe("re_2", Ct))!.Sources!.Lots);
        Assert.Null((await db.RefundAtStripe("re_3", Ct))!.Sources);
        var (open, won, lost) = ((await db.Dispute("dp_open", Ct))!, (await db.Dispute("dp_won", Ct))!, (await db.Dispute("dp_lost", Ct))!);
        Assert.Equal((new(0), 9L, null), (open.Credits, open.Hold, open.Sources));
        Assert.Equal((new(0), null), (won.Credits, won.Sources));
        Assert.Equal((new(30), new Credits(0)), (lost.Credits, lost.Sources!.Coming));
        Assert.Equal([(7, new(30))], lost.Sources.Lots);
        var gone = await db.Gone(order, null, Ct);
        Assert.Equal((20L, new Credits(70)), (gone.Minor, gone.Credits));
    }

    [Fact]
    public async Task Automatic_purchases_go_on()
    {
        var wallet = Core.Ledger.WalletId.Of(CustomerId.Parse("ann", null));
        await Run($"""
            insert into auto_recharge (customer, livemode, bucket, wallet_id, package, currency, threshold, daily_max_orders,
              monthly_max_minor, enabled, since)
            values ('ann', false, {wallet.Bucket}, '{wallet.Value}', 'starter', 'usd', 1000, 1, 5000, true, now())
            """);

        await Migrate();

        var low = await new Db(source).LowWallets(false, TimeProvider.System.GetUtcNow().AddMinutes(1), 10, Ct);
        Assert.Equal("ann", Assert.Single(low).Value);
    }

    async Task<Id<Order>> GivenYear(
        string name, DateTimeOffset start, DateTimeOffset end, int months, DateTimeOffset? nextAt, int granted)
    {
        var order = await GivenOrder(name, credits: 1_000_000_000);
        await Run($"""
            insert into subscription (id, customer, livemode, order_id, plan, interval, price, item, status, period_start, period_end,
              read, created_at, updated_at)
            values ('sub_{name}', 'ann', false, '{order.Value}', 'pro', 2, 'price_1', 'si_1', 3, '{start:O}', '{end:O}', 0, now(), now());
            insert into paid_year (identity, subscription, order_id, livemode, starts_at, ends_at, paid_minor, currency, months, next_at)
            values ('grant:{name}', 'sub_{name}', '{order.Value}', false, '{start:O}', '{end:O}', 120000, 'usd', {months},
              {(nextAt is { } at ? $"'{at:O}'" : "null")});
            insert into order_grant (identity, order_id, livemode, lot, credits, paid_minor, created_at)
            select 'grant:{name}:m' || n, '{order.Value}', false, n + 1, 1000000000, 10000, now() from generate_series(0, {granted - 1}) n
            """);
        return order;
    }

    async Task<Id<Order>> GivenOrder(string name, long credits, string? subscription = null)
    {
        var order = Id<Order>.New(TimeProvider.System.GetUtcNow());
        await Run($"""
            insert into orders (id, customer, livemode, kind, state, offer, terms, money_minor, currency, credits, invoice, subscription,
              created_at, paid_at)
            values ('{order.Value}', 'ann', false, 2, 2, 'plan', '', 120000, 'usd', {credits}, 'in_{name}',
              '{subscription ?? $"sub_{name}"}', now(), now())
            """);
        return order;
    }

    async Task Migrate() => await Migrator.Migrate(source, Ct);

    static IEnumerable<string> Older() => typeof(Migrator).Assembly.GetManifestResourceNames()
        .Where(name => name.EndsWith(".sql", StringComparison.Ordinal) && string.CompareOrdinal(name, $"{Folder}0012") < 0)
        .Order(StringComparer.Ordinal);

    async Task Run(string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Ct);
    }
}
