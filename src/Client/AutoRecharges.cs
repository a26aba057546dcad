namespace Purser.Client;

/// <summary>Packages that are bought by themselves when credits run low.</summary>
public sealed class AutoRecharges
{
    readonly Transport transport;

    internal AutoRecharges(Transport transport) => this.transport = transport;

    /// <summary>Sets the customer's auto-recharge, in place of the one before.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="settings">What to buy when, and how often at most.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<AutoRecharge> PutAsync(
        string customer, NewAutoRecharge settings, CancellationToken cancellationToken = default) => transport.Put(
            Path(customer), settings, Wire.Default.NewAutoRecharge, Wire.Default.AutoRecharge, cancellationToken);

    /// <summary>The customer's auto-recharge, and what it would do now; <see cref="NotFoundException"/> if there is none.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<AutoRecharge> GetAsync(string customer, CancellationToken cancellationToken = default) =>
        transport.Get(Path(customer), Wire.Default.AutoRecharge, cancellationToken);

    static string Path(string customer) => $"v1/customers/{Checked.Segment(customer)}/auto-recharge";
}

/// <summary>What to buy when credits run low, with the card that paid before.</summary>
public sealed record NewAutoRecharge
{
    /// <summary>The code of the package to buy.</summary>
    public required string Package { get; init; }

    /// <summary>One of the currencies it is sold in; left out, the catalog's first.</summary>
    public string? Currency { get; init; }

    /// <summary>It is bought when less than this can be spent.</summary>
    public required decimal Threshold { get; init => field = Checked.Credits(value); }

    /// <summary>How often a day at most.</summary>
    public required int DailyMaxOrders { get; init; }

    /// <summary>How much money a month at most, in the currency's smallest unit.</summary>
    public required long MonthlyMaxMinor { get; init; }

    /// <summary>Whether anything is bought at all.</summary>
    public required bool Enabled { get; init; }
}

/// <summary>What auto-recharge would do now.</summary>
public enum RechargeState
{
    /// <summary>A state that this client is too old to know.</summary>
    Unknown,

    /// <summary>Buy.</summary>
    Buy,

    /// <summary>Nothing: it is switched off.</summary>
    SwitchedOff,

    /// <summary>Nothing: there are enough credits.</summary>
    Enough,

    /// <summary>Nothing: a purchase is under way.</summary>
    InFlight,

    /// <summary>Nothing: the card declined, and is left alone for a while.</summary>
    BackingOff,

    /// <summary>Nothing: it has bought as often today as it may.</summary>
    DailyCeiling,

    /// <summary>Nothing: it has spent as much this month as it may.</summary>
    MonthlyCeiling,
}

/// <summary>A customer's auto-recharge.</summary>
public sealed record AutoRecharge
{
    /// <summary>The code of the package it buys.</summary>
    public required string Package { get; init; }

    /// <summary>In which currency.</summary>
    public required string Currency { get; init; }

    /// <summary>It buys when less than this can be spent.</summary>
    public required decimal Threshold { get; init; }

    /// <summary>How often a day at most.</summary>
    public int DailyMaxOrders { get; init; }

    /// <summary>How much money a month at most.</summary>
    public long MonthlyMaxMinor { get; init; }

    /// <summary>Whether it buys at all.</summary>
    public bool Enabled { get; init; }

    /// <summary>What it would do now.</summary>
    public RechargeState State { get; init; }

    /// <summary>What switched it off, where that was not a person.</summary>
    public string? WhyOff { get; init; }
}
