using Purser.Client;

namespace Purser.Server.Tests.Client;

/// <summary>The client and the server, as a product uses them.</summary>
public sealed class PurserTests(App app) : IClassFixture<App>
{
    static readonly NewGrant Gift = new() { Amount = 100, Source = GrantSource.Promotion };

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    PurserClient Purser() => new(new PurserClientOptions { BaseAddress = app.Client.BaseAddress, Key = Given.AdminKey });

    [Fact]
    public async Task A_customer_is_what_was_put_last()
    {
        using var purser = Purser();

        await purser.Customers.PutAsync("org:7@x", new() { Name = "Ada", Email = "ada@example.com" }, Ct);
        var put = await purser.Customers.PutAsync("org:7@x", new() { Metadata = new() { ["Tier"] = "gold" } }, Ct);
        var got = await purser.Customers.GetAsync("org:7@x", Ct);

        Assert.Equal(("org:7@x", null, "gold"), (got.Id, got.Email, got.Metadata["Tier"]));
        Assert.Equal(put.UpdatedAt, got.UpdatedAt);
        await Assert.ThrowsAsync<NotFoundException>(() => purser.Customers.GetAsync("nobody", Ct));
    }

    [Fact]
    public async Task Customers_are_listed_page_by_page()
    {
        using var purser = Purser();
        foreach (var number in Enumerable.Range(1, 5)) await purser.Customers.PutAsync($"page.{number}", new(), Ct);

        var ids = await purser.Customers.ListAsync("page.", pageSize: 2, cancellationToken: Ct)
            .Select(customer => customer.Id).TakeWhile(id => id.StartsWith("page.", StringComparison.Ordinal)).ToListAsync(Ct);

        Assert.Equal(["page.1", "page.2", "page.3", "page.4", "page.5"], ids);
    }

    [Fact]
    public async Task Credits_are_granted_charged_and_explained()
    {
        using var purser = Purser();
        await purser.Customers.PutAsync("writer", new(), Ct);

        var grant = await purser.Grants.CreateAsync("writer", new()
        {
            Amount = 200.000001m,
            Source = GrantSource.Purchase,
            Reason = "Starter",
            Priority = 10,
            ExpiresAt = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero),
            Paid = new(1_900, "eur"),
            Reference = "order-1",
        }, Ct);
        var chapter = await purser.Charges.CreateAsync("writer", new()
        {
            Operation = "chapter",
            Quantities = new() { ["words"] = 1_200 },
            Reference = "ch-3",
        }, Ct);
        var wallet = await purser.Balances.GetAsync("writer", Ct);
        var lot = await purser.Grants.ListAsync("writer", cancellationToken: Ct).SingleAsync(Ct);
        var entries = await purser.Entries.ListAsync("writer", pageSize: 1, cancellationToken: Ct).ToListAsync(Ct);

        Assert.Equal((200.000001m, GrantSource.Purchase, new Money(1_900, "eur")), (grant.Balance, grant.Source, grant.Paid));
        Assert.Equal((120m, 80.000001m), (chapter.Amount, chapter.Available));
        Assert.Equal(120m, Assert.Single(chapter.Quote!.Lines).Amount);
        Assert.Equal((80.000001m, 0m, 0m), (wallet.Balance, wallet.Held, wallet.Owed));
        Assert.Equal((grant.Id, 80.000001m, 10), (lot.Id, lot.Remaining, lot.Priority));
        Assert.Equal([EntryKind.Charge, EntryKind.Grant], entries.Select(entry => entry.Kind));
        Assert.Equal((chapter.Id, -120m, "ch-3"), (entries[0].Id, entries[0].Amount, entries[0].Reference));
        Assert.Equal(chapter.Quote.Lines, entries[0].Quote!.Lines);
    }

    [Fact]
    public async Task The_same_key_charges_once_and_never_for_something_else()
    {
        using var purser = Purser();
        await Customer(purser, "once");
        var charge = new NewCharge { Amount = 1, IdempotencyKey = "chapter 3" };

        var first = await purser.Charges.CreateAsync("once", charge, Ct);
        var again = await purser.Charges.CreateAsync("once", charge, Ct);
        var reused = await Assert.ThrowsAsync<ConflictException>(
            () => purser.Charges.CreateAsync("once", charge with { Amount = 2 }, Ct));

        Assert.False(first.Replayed);
        Assert.True(again.Replayed);
        Assert.Equal((first.Id, first.Balance), (again.Id, again.Balance));
        Assert.Equal("idempotency_key_reused", reused.Code);
        Assert.Equal(99m, (await purser.Balances.GetAsync("once", Ct)).Balance);
    }

    [Fact]
    public async Task What_is_not_there_is_not_spent()
    {
        using var purser = Purser();
        await Customer(purser, "poor");

        var poor = await Assert.ThrowsAsync<InsufficientCreditsException>(
            () => purser.Charges.CreateAsync("poor", new() { Amount = 250 }, Ct));

        Assert.Equal((250m, 100m), (poor.Required, poor.Available));
        Assert.Equal("Insufficient credits. Required: 250, Available: 100", poor.Message);
        Assert.NotNull(poor.RequestId);
    }

    [Fact]
    public async Task Many_charges_are_decided_one_by_one_and_again_alike()
    {
        using var purser = Purser();
        await Customer(purser, "many");
        CustomerCharge[] charges =
        [
            new() { Customer = "many", Amount = 60 },
            new() { Customer = "many", Amount = 60 },
            new() { Customer = "many", Operation = "title_ideas" },
            new() { Customer = "many", Operation = "no_such" },
            new() { Customer = "nobody", Amount = 1 },
        ];

        var first = await purser.Charges.CreateManyAsync(charges, "nightly", Ct);
        var again = await purser.Charges.CreateManyAsync(charges, "nightly", Ct);

        Assert.Equal(60m, first[0].Charge!.Amount);
        Assert.IsType<InsufficientCreditsException>(first[1].Error);
        Assert.Equal(5m, first[2].Charge!.Amount);
        Assert.IsType<InvalidRequestException>(first[3].Error);
        Assert.IsType<NotFoundException>(first[4].Error);
        Assert.True(again[0].Charge!.Replayed);
        Assert.Equal(35m, (await purser.Balances.GetAsync("many", Ct)).Balance);
    }

    [Fact]
    public async Task A_hold_is_captured_for_what_was_used()
    {
        using var purser = Purser();
        await Customer(purser, "holder");

        var hold = await purser.Holds.CreateAsync("holder", new()
        {
            Operation = "chapter",
            Quantities = new() { ["words"] = 500 },
            ExpiresIn = TimeSpan.FromMinutes(5),
            Reason = "Chapter 4",
        }, Ct);
        var open = await purser.Holds.GetAsync(hold.Id, Ct);
        var capture = await purser.Holds.CaptureAsync(hold.Id, new() { Quantities = new() { ["words"] = 300 } }, Ct);
        var captured = await purser.Holds.GetAsync(hold.Id, Ct);

        Assert.Equal(("holder", HoldState.Open, 50m, 50m), (hold.Customer, hold.State, hold.Amount, hold.Available));
        Assert.Equal((HoldState.Open, "Chapter 4", hold.ExpiresAt), (open.State, open.Reason, open.ExpiresAt));
        Assert.Equal((30m, 20m, 0m, 70m), (capture.Amount, capture.Released, capture.Shortfall, capture.Available));
        Assert.Equal((HoldState.Captured, 30m), (captured.State, captured.Captured));
    }

    [Fact]
    public async Task A_hold_is_released_as_often_as_anybody_asks()
    {
        using var purser = Purser();
        await Customer(purser, "releaser");
        var hold = await purser.Holds.CreateAsync("releaser", new() { Amount = 40 }, Ct);

        var first = await purser.Holds.ReleaseAsync(hold.Id, cancellationToken: Ct);
        var again = await purser.Holds.ReleaseAsync(hold.Id, cancellationToken: Ct);
        var late = await Assert.ThrowsAsync<ConflictException>(
            () => purser.Holds.CaptureAsync(hold.Id, new() { Amount = 1 }, Ct));

        Assert.Equal((40m, 100m), (first.Released, first.Available));
        Assert.Equal((first.Id, first.Released), (again.Id, again.Released));
        Assert.Equal("hold_released", late.Code);
    }

    [Fact]
    public async Task Corrections_go_either_way_and_a_reversal_leaves_a_debt()
    {
        using var purser = Purser();
        var grant = await Customer(purser, "corrected");

        var adjusted = await purser.Adjustments.CreateAsync("corrected", new() { Amount = -80, Reason = "Typo" }, Ct);
        var reversed = await purser.Reversals.CreateAsync(
            "corrected", new() { Amount = 100, Grant = grant.Id, Reason = "Refund", Reference = "re_1" }, Ct);
        var wallet = await purser.Balances.GetAsync("corrected", Ct);

        Assert.Equal((EntryKind.Adjustment, -80m, 20m), (adjusted.Kind, adjusted.Amount, adjusted.Balance));
        Assert.Equal((20m, 80m, 0m), (reversed.Taken, reversed.Owed, reversed.Balance));
        Assert.Equal((0m, 80m), (wallet.Balance, wallet.Owed));
    }

    [Fact]
    public async Task A_frozen_customer_spends_nothing()
    {
        using var purser = Purser();
        await Customer(purser, "frozen");

        var frozen = await purser.Freezes.PutAsync("frozen", "Chargeback", Ct);
        await Assert.ThrowsAsync<ForbiddenException>(() => purser.Charges.CreateAsync("frozen", new() { Amount = 1 }, Ct));
        await purser.Freezes.DeleteAsync("frozen", Ct);
        await purser.Charges.CreateAsync("frozen", new() { Amount = 1 }, Ct);

        Assert.Equal((true, "Chargeback", app.Time.GetUtcNow()), (frozen.Frozen, frozen.Reason, frozen.Since));
        Assert.False((await purser.Freezes.GetAsync("frozen", Ct)).Frozen);
    }

    [Fact]
    public async Task An_estimate_is_what_a_charge_will_cost()
    {
        using var purser = Purser();
        await Customer(purser, "careful");
        var model = await purser.Rates.ListAsync(Ct).FirstAsync(rate => rate.Kind == "model", Ct);
        var usage = new Usage { InputTokens = 1_200, OutputTokens = 300 };
        var name = model.Id["model/".Length..];

        var estimate = await purser.Estimates.CreateAsync(new() { Model = name, Usage = usage, Customer = "careful" }, Ct);
        var charge = await purser.Charges.CreateAsync("careful", new() { Model = name, Usage = usage }, Ct);

        Assert.True(estimate.Affordable);
        Assert.Equal(charge.Amount, estimate.Amount);
        Assert.Equal(charge.Quote!.Lines, estimate.Lines);
        Assert.Equal(charge.Amount, estimate.Lines.Sum(line => line.Amount));
    }

    [Fact]
    public async Task What_is_on_offer_is_there_for_everybody()
    {
        using var stranger = new PurserClient(new PurserClientOptions { BaseAddress = app.Client.BaseAddress });

        var packages = await stranger.Packages.ListAsync(Ct).ToListAsync(Ct);
        var plans = await stranger.Plans.ListAsync(Ct).ToListAsync(Ct);
        var rates = await stranger.Rates.ListAsync(Ct).ToListAsync(Ct);

        Assert.All(packages, package => Assert.Equal(package.Credits + package.Bonus, package.TotalCredits));
        Assert.Contains(packages, package => package.Discounts.Count > 0);
        Assert.Contains(plans, plan => plan.Prices.Any(price => price.Interval == Interval.Year));
        Assert.DoesNotContain(plans, plan => plan.Included!.Rollover == Rollover.Unknown || plan.Entitlements.Count == 0);
        Assert.Contains(rates, rate => rate.Kind == "model" && rate.LongPrompts.Count > 0);
        Assert.Contains(rates, rate => rate.Units.Any(unit => unit.Volume.Count > 0));
        await Assert.ThrowsAsync<UnauthorizedException>(() => stranger.Balances.GetAsync("writer", Ct));
    }

    static async Task<Grant> Customer(PurserClient purser, string id)
    {
        await purser.Customers.PutAsync(id, new(), Ct);
        return await purser.Grants.CreateAsync(id, Gift, Ct);
    }
}
