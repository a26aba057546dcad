namespace Purser.Core.Ledger;

/// <summary>The time over which a budget is counted, by the calendar of UTC. The numbers are stored: never renumber.</summary>
public enum BudgetPeriod
{
    Total = 1,
    Day = 2,
    Month = 3,
}

/// <summary>The budget that a hold counts in, and the first day of the period in which it was placed.</summary>
public readonly record struct HeldIn(Id<Budget> Budget, DateOnly PeriodStart);

/// <summary>
/// A limit within a wallet: what one key may spend in a period. It follows the holds that name it, as a wallet's held
/// does: a hold counts in the period in which it was placed, and what becomes of it later counts there or nowhere.
/// </summary>
/// <param name="Amount">Null where there is no limit: then nothing is counted, and the budget is only there to be closed.</param>
/// <param name="PeriodStart">The first day of the period that is counted; of a total, the first day of all.</param>
/// <param name="Closed">Nothing is held in it any more.</param>
public sealed record Budget(
    Id<Budget> Id, BudgetPeriod Period, Credits? Amount, DateOnly PeriodStart, Credits Used, Credits Held, bool Closed) : IEntity
{
    public static string Prefix => "bud";

    /// <summary>What may still be held; null where there is no limit.</summary>
    public Credits? Left => Amount - Used - Held;

    public static Budget Open(Id<Budget> id, BudgetPeriod period, Credits? amount, DateTimeOffset now) =>
        new(id, period, amount, StartOf(period, now), Credits.Zero, Credits.Zero, Closed: false);

    /// <summary>A new period begins with nothing used and nothing held. It never goes back, whose clock ever says so.</summary>
    public Budget AsOf(DateTimeOffset now)
    {
        var start = StartOf(Period, now);
        return Amount is not null && start > PeriodStart
            ? this with { PeriodStart = start, Used = Credits.Zero, Held = Credits.Zero }
            : this;
    }

    public bool Counts(Hold hold) => hold.HeldIn == new HeldIn(Id, PeriodStart);

    /// <summary>What is left of it once a hold was placed or has ended. It must be as of now.</summary>
    /// <param name="before">Null where the hold was placed just now.</param>
    public Budget Follow(Hold? before, Hold after)
    {
        if (Amount is null || !Counts(after)) return this;

        var held = Open(after) - (before is null ? Credits.Zero : Open(before));
        return this with { Held = Held + held, Used = Used + after.Captured - (before?.Captured ?? Credits.Zero) };

        static Credits Open(Hold hold) => hold.State == HoldState.Open ? hold.Amount : Credits.Zero;
    }

    static DateOnly StartOf(BudgetPeriod period, DateTimeOffset now) => period switch
    {
        BudgetPeriod.Total => DateOnly.FromDateTime(DateTime.UnixEpoch),
        BudgetPeriod.Day => DateOnly.FromDateTime(now.UtcDateTime),
        BudgetPeriod.Month => new(now.UtcDateTime.Year, now.UtcDateTime.Month, 1),
    };
}
