namespace Purser.Core.Ledger;

/// <summary>
/// A wallet in memory, with the holds and lots that its commands are about. Commands are decided against it one after
/// the other; what they changed is read off at the end, to be written in one go.
/// </summary>
/// <param name="holds">The open ones that the commands name.</param>
/// <param name="budgets">Those that the commands name, and those that the holds are in.</param>
/// <param name="lots">Up to date with the wallet; null where no command needs them.</param>
public sealed class Account(Wallet wallet, IEnumerable<Hold> holds, IEnumerable<Budget> budgets, Lots? lots)
{
    readonly Dictionary<long, Hold> holds = holds.ToDictionary(hold => hold.Id.Number);
    readonly Dictionary<Id<Budget>, Budget> budgets = budgets.ToDictionary(budget => budget.Id);
    readonly List<Entry> entries = [];
    readonly Dictionary<long, Hold> changedHolds = [];
    readonly Dictionary<Id<Budget>, Budget> changedBudgets = [];

    public Wallet Before { get; } = wallet;

    public Wallet Wallet { get; private set; } = wallet;

    public Lots? Lots { get; } = lots;

    public IReadOnlyList<Entry> Entries => entries;

    public IReadOnlyCollection<Hold> ChangedHolds => changedHolds.Values;

    public IReadOnlyCollection<Budget> Budgets => budgets.Values;

    public IReadOnlyCollection<Budget> ChangedBudgets => changedBudgets.Values;

    public bool Changed => Wallet != Before || changedHolds.Count > 0 || (Lots is not null && Lots.Changed.Any());

    /// <summary>Whether a command can only be decided with the lots at hand.</summary>
    public static bool NeedsLots(Wallet wallet, Command command, DateTimeOffset now) =>
        command is Command.ExpireLots or Command.Reverse { Lot: not null } or Command.Restore or Command.Grant { Cap: not null }
        || wallet.LotsDue <= now;

    /// <summary>Whether a hold stood there just so before the first command.</summary>
    public bool HasStored(Hold? hold) => hold is not null
        && holds.GetValueOrDefault(hold.Id.Number) == hold && !changedHolds.ContainsKey(hold.Id.Number);

    public Decision Run(Command command, DateTimeOffset now)
    {
        // What is past its date is gone before anything else is decided, however late the jobs that look for it are.
        if (Lots is not null && Wallet.LotsDue <= now) Expire(now);

        var decision = Decide(command, now);
        if (decision is Decision.Recorded recorded) Keep(recorded, now);
        if (decision is not Decision.Recorded) return decision;

        if (command is Command.Reverse { Lot: { } lot } reverse) Lots?.MarkReversed(lot, reverse.Amount);
        else if (command is Command.Restore restore) Lots?.MarkReversed(restore.Lot, -restore.Amount);
        return decision;
    }

    /// <summary>
    /// Ends holds that are overdue, and that no command named: the job that looks for them is late, and what they keep is
    /// wanted.
    /// </summary>
    public void ExpireHolds(IEnumerable<Hold> overdue, IEnumerable<Budget> heldIn, DateTimeOffset now)
    {
        // What a command has changed meanwhile stays as it is.
        foreach (var budget in heldIn) budgets.TryAdd(budget.Id, budget);
        foreach (var hold in overdue)
        {
            holds.TryAdd(hold.Id.Number, hold);
            Current(hold.Id.Number, now);
        }
    }

    Decision Decide(Command command, DateTimeOffset now) => command switch
    {
        Command.Grant grant => Granting.Grant(Wallet, Lots, grant, now),
        Command.Charge charge => Spending.Charge(Wallet, charge, now),
        Command.PlaceHold place => Holding.Place(Wallet, Find(place.Budget), place, now),
        Command.SetAside aside => Holding.SetAside(Wallet, aside, now),
        Command.Capture capture => Capture(capture, now),
        Command.Release release => Holding.Release(Wallet, Current(release.Hold, now), now),
        Command.Adjust adjust => Granting.Adjust(Wallet, adjust, now),
        Command.Reverse reverse => Returning.Reverse(
            Wallet,
            reverse.Lot is { } lot ? Lots?.Find(lot) : null,
            reverse.Hold is { } hold ? Current(hold, now) : null,
            reverse,
            now),
        Command.Restore restore => Returning.Restore(Wallet, Lots?.Find(restore.Lot), restore, now),
        Command.ExpireHold expire => Current(expire.Hold, now) is null
            ? new Decision.Refused(Refusal.HoldUnknown, Credits.Zero, Wallet.Available)
            : Nothing(now),
        Command.ExpireLots => Nothing(now),
        _ => throw new InvalidOperationException($"{command.GetType().Name} has no decision."),
    };

    Decision Capture(Command.Capture capture, DateTimeOffset now)
    {
        var hold = Current(capture.Hold, now);
        return Holding.Capture(Wallet, hold, Find(hold?.HeldIn?.Budget), capture, now);
    }

    Budget? Find(Id<Budget>? budget) => budget is { } id ? budgets.GetValueOrDefault(id) : null;

    /// <summary>A hold as of now: one that is overdue expires when it is touched.</summary>
    Hold? Current(long number, DateTimeOffset now)
    {
        if (holds.GetValueOrDefault(number) is not { } hold) return null;
        if (Holding.Expire(Wallet, hold, now) is not { } expired) return hold;

        Keep(expired, now);
        return expired.Hold;
    }

    void Expire(DateTimeOffset now)
    {
        if (Returning.Expire(Wallet, Lots!, now) is { } expired) Keep(expired, now);
        Wallet = Wallet with { LotsDue = Lots!.Due };
    }

    void Keep(Decision.Recorded recorded, DateTimeOffset now)
    {
        Wallet = recorded.After;
        foreach (var entry in recorded.Entries)
        {
            entries.Add(entry);
            Lots?.Follow(Movement.Of(entry));
        }

        if (recorded.Hold is not { } hold) return;

        var before = holds.GetValueOrDefault(hold.Id.Number);
        if (before == hold) return;

        holds[hold.Id.Number] = hold;
        changedHolds[hold.Id.Number] = hold;
        if (Find(hold.HeldIn?.Budget) is { } budget) Keep(budget, budget.AsOf(now).Follow(before, hold));
    }

    void Keep(Budget before, Budget after)
    {
        if (before == after) return;

        budgets[after.Id] = after;
        changedBudgets[after.Id] = after;
    }

    Decision.Recorded Nothing(DateTimeOffset now) => new(
        Wallet,
        new(now, null, null, Credits.Zero, Wallet.Balance, Wallet.Available, Credits.Zero, Credits.Zero),
        [],
        Hold: null)
    {
        Anew = false,
    };
}
