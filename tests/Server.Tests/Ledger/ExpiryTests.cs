using Microsoft.Extensions.DependencyInjection;
using Purser.Client;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Ledger;

/// <summary>What is past its date goes by itself: nobody touches it here but the jobs.</summary>
public sealed class ExpiryTests(App app) : IClassFixture<App>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_hold_that_nobody_ends_gives_its_credits_back()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var hold = await app.Purser.Holds.CreateAsync(
            customer, new() { Amount = 60, ExpiresIn = TimeSpan.FromSeconds(60) }, Ct);

        app.Time.Advance(TimeSpan.FromSeconds(61));

        await Eventually.Holds(async () => (await app.Purser.Holds.GetAsync(hold.Id, Ct)).State == HoldState.Expired);
        var wallet = await app.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((100m, 0m), (wallet.Balance, wallet.Held));
    }

    [Fact]
    public async Task A_hold_lives_until_its_last_second()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var hold = await app.Purser.Holds.CreateAsync(
            customer, new() { Amount = 60, ExpiresIn = TimeSpan.FromSeconds(60) }, Ct);
        app.Time.Advance(TimeSpan.FromSeconds(59));
        await JobsHaveRun();

        var capture = await app.Purser.Holds.CaptureAsync(hold.Id, new() { Amount = 60 }, Ct);

        Assert.Equal(60, capture.Amount);
    }

    [Fact]
    public async Task What_is_left_of_a_grant_expires_and_stands_in_the_ledger()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var gift = await Gift(customer, 50, TimeSpan.FromHours(1));
        await app.Purser.Charges.CreateAsync(customer, new() { Amount = 20 }, Ct);

        app.Time.Advance(TimeSpan.FromHours(1));

        await Eventually.Holds(async () => (await app.Purser.Balances.GetAsync(customer, Ct)).Balance == 100);
        var entries = await app.Client.Read($"/v1/customers/{customer}/entries?limit=1");
        var expiry = entries.Json.GetProperty("data")[0];
        Assert.Equal(("expiry", -30m), (expiry.GetProperty("kind").GetString(), expiry.GetProperty("amount").GetDecimal()));
        Assert.Equal(gift.Id, expiry.GetProperty("grant").GetString());
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task Credits_that_are_held_are_safe_until_the_hold_ends()
    {
        var customer = await app.Purser.GivenCustomer();
        await Gift(customer, 50, TimeSpan.FromHours(1));
        var hold = await app.Purser.Holds.CreateAsync(
            customer, new() { Amount = 30, ExpiresIn = TimeSpan.FromHours(24) }, Ct);

        app.Time.Advance(TimeSpan.FromHours(2));

        await Eventually.Holds(async () => (await app.Purser.Balances.GetAsync(customer, Ct)).Balance == 30);
        var capture = await app.Purser.Holds.CaptureAsync(hold.Id, new() { Amount = 25 }, Ct);
        Assert.Equal((25m, 5m), (capture.Amount, capture.Released));
        app.Time.Advance(TimeSpan.FromSeconds(2));
        await Eventually.Holds(async () => (await app.Purser.Balances.GetAsync(customer, Ct)).Balance == 0);
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task A_hold_and_the_credits_under_it_end_together_when_both_are_past_their_date()
    {
        var customer = await app.Purser.GivenCustomer(5);
        await Gift(customer, 50, TimeSpan.FromHours(1));
        await app.Purser.Holds.CreateAsync(customer, new() { Amount = 30, ExpiresIn = TimeSpan.FromHours(2) }, Ct);

        app.Time.Advance(TimeSpan.FromHours(3));

        await Eventually.Holds(async () =>
            await app.Purser.Balances.GetAsync(customer, Ct) is { Balance: 5, Held: 0 });
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task More_than_one_round_of_expiries_is_done_in_one_run()
    {
        var customer = await app.Purser.GivenCustomer(2_000);
        await Task.WhenAll(Enumerable.Range(0, 1_200).Select(_ => app.Purser.Holds.CreateAsync(
            customer, new() { Amount = 1, ExpiresIn = TimeSpan.FromSeconds(60) }, Ct)));

        app.Time.Advance(TimeSpan.FromSeconds(60));

        await Eventually.Holds(async () => (await app.Purser.Balances.GetAsync(customer, Ct)).Held == 0);
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task A_damaged_wallet_keeps_nobody_else_from_expiring()
    {
        var damaged = await app.Purser.GivenCustomer(100);
        var healthy = await app.Purser.GivenCustomer();
        await Gift(healthy, 50, TimeSpan.FromHours(1));
        await app.Purser.Holds.CreateAsync(damaged, new() { Amount = 60, ExpiresIn = TimeSpan.FromMinutes(1) }, Ct);
        var hold = await app.Purser.Holds.CreateAsync(healthy, new() { Amount = 20, ExpiresIn = TimeSpan.FromMinutes(2) }, Ct);
        await Tables.Run(app.ConnectionString, $"update wallet set held = 0 {Of(damaged)}");

        app.Time.Advance(TimeSpan.FromHours(2));

        await Eventually.Holds(async () => await app.Purser.Balances.GetAsync(healthy, Ct) is { Balance: 0, Held: 0 });
        Assert.Equal(HoldState.Expired, (await app.Purser.Holds.GetAsync(hold.Id, Ct)).State);
        // The other tests prove the whole ledger.
        await Tables.Run(app.ConnectionString, $"update wallet set held = 60000000 {Of(damaged)}");

        static string Of(string customer) => $"where id = (select wallet_id from customer where id = '{customer}')";
    }

    [Fact]
    public async Task Two_servers_expire_everything_once()
    {
        await using var second = await app.Build(Given.Settings);
        await second.StartAsync(Ct);
        var customers = new List<string>();
        for (var i = 0; i < 10; i++)
        {
            var customer = await app.Purser.GivenCustomer();
            await Gift(customer, 50, TimeSpan.FromHours(1));
            await app.Purser.Holds.CreateAsync(customer, new() { Amount = 20, ExpiresIn = TimeSpan.FromMinutes(5) }, Ct);
            customers.Add(customer);
        }

        app.Time.Advance(TimeSpan.FromHours(2));

        foreach (var customer in customers)
        {
            await Eventually.Holds(async () =>
                await app.Purser.Balances.GetAsync(customer, Ct) is { Balance: 0, Held: 0 });
            var entries = await app.Purser.Entries.ListAsync(customer, cancellationToken: Ct).ToListAsync(Ct);
            Assert.Equal(-50, entries.Where(entry => entry.Kind == EntryKind.Expiry).Sum(entry => entry.Amount));
        }

        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task A_job_runs_on_one_server_at_a_time_and_no_more_often_than_it_should()
    {
        await using var second = await app.Build(Given.Settings);
        var (here, there) = (app.Services.GetRequiredService<Jobs>(), second.Services.GetRequiredService<Jobs>());
        var (begun, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        var runs = 0;
        var job = new Job("a job of this test", TimeSpan.FromMinutes(1), async (_, _) =>
        {
            runs++;
            begun.TrySetResult();
            await end.Task;
        });

        var running = here.RunIfDue(job, Ct);
        await begun.Task;
        Assert.False(await there.RunIfDue(job, Ct));
        end.SetResult();
        Assert.True(await running);
        Assert.False(await there.RunIfDue(job, Ct));
        app.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(await there.RunIfDue(job, Ct));
        Assert.Equal(2, runs);
    }

    [Fact]
    public async Task A_job_that_runs_out_of_its_time_is_not_begun_again_before_it_is_due()
    {
        var jobs = new Jobs(
            [], app.Services.GetRequiredService<Npgsql.NpgsqlDataSource>(), new HastyTime(),
            Microsoft.Extensions.Logging.Abstractions.NullLogger<Jobs>.Instance);
        var runs = 0;
        var job = new Job("a long job of this test", TimeSpan.FromHours(1), (_, ct) =>
        {
            runs++;
            return Task.Delay(Timeout.InfiniteTimeSpan, ct);
        });

        Assert.True(await jobs.RunIfDue(job, Ct));
        Assert.False(await jobs.RunIfDue(job, Ct));
        Assert.Equal(1, runs);
    }

    /// <summary>Whatever is to last, lasts a tenth of a second.</summary>
    sealed class HastyTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, TimeSpan.FromMilliseconds(100), period);
    }

    Task<Grant> Gift(string customer, decimal credits, TimeSpan lasting) => app.Purser.Grants.CreateAsync(customer, new()
    {
        Amount = credits,
        Source = GrantSource.Promotion,
        ExpiresAt = app.Time.GetUtcNow() + lasting,
    }, Ct);

    Task JobsHaveRun() => Eventually.Holds(async () => (await Tables.Read<DateTimeOffset>(
        app.ConnectionString,
        "select last_run from job where name = 'expire holds and grants' and last_run is not null"))
        is [var last] && last == app.Time.GetUtcNow());
}

/// <summary>What is past its date is past it also before any job has run: the job is kept from running here.</summary>
public sealed class ExpiryOnTouchTests(App app) : IClassFixture<App>, IAsyncLifetime
{
    Npgsql.NpgsqlConnection keeper = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    // Whoever holds the row of a job runs it, and so nobody else does.
    public async ValueTask InitializeAsync()
    {
        await Tables.Run(
            app.ConnectionString, "insert into job (name) values ('expire holds and grants') on conflict do nothing");
        keeper = new(app.ConnectionString + ";Pooling=false");
        await keeper.OpenAsync(Ct);
        await using var hold = new Npgsql.NpgsqlCommand("begin; select name from job for update", keeper);
        await hold.ExecuteNonQueryAsync(Ct);
    }

    public ValueTask DisposeAsync() => keeper.DisposeAsync();

    [Fact]
    public async Task An_overdue_hold_can_be_neither_captured_nor_released()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var captured = await Hold(customer);
        var released = await Hold(customer);
        app.Time.Advance(TimeSpan.FromSeconds(60));

        var capture = await Assert.ThrowsAsync<ConflictException>(
            () => app.Purser.Holds.CaptureAsync(captured.Id, new() { Amount = 1 }, Ct));
        var release = await Assert.ThrowsAsync<ConflictException>(
            () => app.Purser.Holds.ReleaseAsync(released.Id, cancellationToken: Ct));

        Assert.Equal(("hold_expired", "hold_expired"), (capture.Code, release.Code));
        Assert.Equal(HoldState.Expired, (await app.Purser.Holds.GetAsync(captured.Id, Ct)).State);
        Assert.Equal(100, (await app.Purser.Balances.GetAsync(customer, Ct)).Available);
    }

    [Fact]
    public async Task An_overdue_hold_keeps_nothing_and_does_not_show()
    {
        var customer = await app.Purser.GivenCustomer(40);
        var hold = await Hold(customer);
        app.Time.Advance(TimeSpan.FromSeconds(60));

        var shown = await app.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((0m, 40m), (shown.Held, shown.Available));
        Assert.Equal(HoldState.Expired, (await app.Purser.Holds.GetAsync(hold.Id, Ct)).State);
        // Four want what it kept, and there is enough for two.
        var charges = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ =>
            app.Client.Post($"/v1/customers/{customer}/charges", """{"amount":15}""")));

        Assert.Equal([201, 201, 402, 402], charges.Select(charge => charge.Status).Order());
        var after = await app.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((10m, 0m), (after.Balance, after.Held));
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task An_overdue_hold_keeps_nothing_from_a_hold_that_is_asked_for_twice_at_once()
    {
        var customer = await app.Purser.GivenCustomer(60);
        await Hold(customer);
        app.Time.Advance(TimeSpan.FromSeconds(60));

        var holds = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ =>
            app.Client.Post($"/v1/customers/{customer}/holds", """{"amount":60}""", "one key")));

        Assert.All(holds, hold => Assert.Equal(201, hold.Status));
        Assert.Single(holds.Select(hold => hold.Json.GetProperty("id").GetString()).Distinct());
        Assert.Equal(60, (await app.Purser.Balances.GetAsync(customer, Ct)).Held);
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task Overdue_credits_cannot_be_spent()
    {
        var customer = await app.Purser.GivenCustomer(10);
        await Gift(customer);
        app.Time.Advance(TimeSpan.FromHours(1));

        var refusal = await Assert.ThrowsAsync<InsufficientCreditsException>(
            () => app.Purser.Charges.CreateAsync(customer, new() { Amount = 11 }, Ct));

        Assert.Equal(10, refusal.Available);
        Assert.Equal(10, (await app.Purser.Balances.GetAsync(customer, Ct)).Balance);
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task Overdue_credits_under_a_hold_are_captured_all_the_same()
    {
        var customer = await app.Purser.GivenCustomer(10);
        await Gift(customer);
        var hold = await app.Purser.Holds.CreateAsync(
            customer, new() { Amount = 40, ExpiresIn = TimeSpan.FromHours(24) }, Ct);
        app.Time.Advance(TimeSpan.FromHours(1));

        var capture = await app.Purser.Holds.CaptureAsync(hold.Id, new() { Amount = 40 }, Ct);

        Assert.Equal((40m, 10m), (capture.Amount, capture.Balance));
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task Credits_that_a_released_hold_kept_are_gone_at_the_next_touch()
    {
        var customer = await app.Purser.GivenCustomer(10);
        await Gift(customer);
        var hold = await app.Purser.Holds.CreateAsync(
            customer, new() { Amount = 40, ExpiresIn = TimeSpan.FromHours(24) }, Ct);
        app.Time.Advance(TimeSpan.FromHours(1));
        await app.Purser.Holds.ReleaseAsync(hold.Id, cancellationToken: Ct);

        var refusal = await Assert.ThrowsAsync<InsufficientCreditsException>(
            () => app.Purser.Charges.CreateAsync(customer, new() { Amount = 11 }, Ct));

        Assert.Equal(10, refusal.Available);
        await Wallets.AssertProven(app.ConnectionString);
    }

    Task<Hold> Hold(string customer) => app.Purser.Holds.CreateAsync(
        customer, new() { Amount = 40, ExpiresIn = TimeSpan.FromSeconds(60) }, Ct);

    Task<Grant> Gift(string customer) => app.Purser.Grants.CreateAsync(customer, new()
    {
        Amount = 50,
        Source = GrantSource.Promotion,
        ExpiresAt = app.Time.GetUtcNow().AddHours(1),
    }, Ct);
}
