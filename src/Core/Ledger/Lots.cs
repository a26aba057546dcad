namespace Purser.Core.Ledger;

/// <summary>What is left of a grant. Only <see cref="Remaining"/> and <see cref="Reversed"/> ever change.</summary>
/// <param name="Seq">The number of the entry that brought it in: its age, and its name.</param>
/// <param name="Reversed">How much of it was taken back with its payment, spent or not.</param>
public sealed record Lot(long Seq, GrantTerms Terms, Credits Amount, Credits Remaining, Credits Reversed)
{
    public static Lot? Of(Movement movement) => movement.Terms is { } terms
        ? new(movement.Seq, terms, movement.Amount, movement.Amount, Credits.Zero)
        : null;
}

/// <summary>Of an entry, what its lots need to know.</summary>
/// <param name="Lot">The lot that burns first.</param>
/// <param name="Terms">Of an entry that brought a lot in.</param>
public readonly record struct Movement(long Seq, Credits Amount, long? Lot, GrantTerms? Terms)
{
    public EntryKind Kind { get; init; }

    public DateTimeOffset At { get; init; }

    public static Movement Of(Entry entry) =>
        new(entry.Id.Seq, entry.Amount, entry.Lot, entry.Terms) { Kind = entry.Kind, At = entry.At };
}

/// <summary>What a lot lost, on which day of UTC and by which kind of entry: from what was paid for it follows what was earned.</summary>
/// <param name="Amount">Negative where a reversal was undone.</param>
public readonly record struct Burn(long Lot, DateOnly Day, EntryKind Kind, Credits Amount);

/// <summary>
/// The lots of a wallet in the order in which they burn: priority, expiry, age. Which lot a charge burnt is recorded with no
/// charge, because it follows from the entries; this is the one place where it is worked out.
/// </summary>
public sealed class Lots
{
    readonly Dictionary<long, Lot> bySeq = [];
    // Those with something left: a wallet of many years has spent thousands, and none of them is looked at again.
    readonly SortedSet<Rank> order = [];
    readonly HashSet<long> changed = [];
    readonly Dictionary<(long Lot, DateOnly Day, EntryKind Kind), Credits> burns = [];

    public Lots(IEnumerable<Lot> lots)
    {
        foreach (var lot in lots) Add(lot);
    }

    public IEnumerable<Lot> InOrder => bySeq.Values.OrderBy(Rank.Of);

    /// <summary>Those that came in, burnt or were reversed since.</summary>
    public IEnumerable<Lot> Changed => changed.Select(seq => bySeq[seq]);

    /// <summary>Of those in order, the ones with something left.</summary>
    public IEnumerable<Lot> Left => order.Select(rank => bySeq[rank.Seq]);

    /// <summary>What they lost since, by lot, day and kind.</summary>
    public IEnumerable<Burn> Burns => burns.Select(one => new Burn(one.Key.Lot, one.Key.Day, one.Key.Kind, one.Value));

    public Lot? Find(long seq) => bySeq.GetValueOrDefault(seq);

    /// <summary>Applies the next entry of the wallet: it brings a lot in, or burns.</summary>
    public void Follow(Movement movement)
    {
        if (Lot.Of(movement) is { } lot)
        {
            Add(lot);
            changed.Add(lot.Seq);
        }
        else if (movement.Amount < Credits.Zero)
        {
            BurnInOrder(-movement.Amount, movement);
        }
        else if (movement is { Lot: { } seq, Amount.Micros: > 0 })
        {
            PutBack(seq, movement);
        }
    }

    /// <param name="amount">Negative where a reversal was undone.</param>
    public void MarkReversed(long seq, Credits amount)
    {
        var lot = bySeq[seq];
        Put(lot with { Reversed = lot.Reversed + amount });
    }

    /// <summary>
    /// What expires now: of each lot past its date what no hold keeps. Held credits are the first to burn,
    /// so a hold keeps the lots at the head of the order.
    /// </summary>
    public IReadOnlyList<(Lot Lot, Credits Amount)> Expiring(Credits held, DateTimeOffset now)
    {
        var due = new List<(Lot, Credits)>();
        var unkept = held;
        foreach (var lot in Left)
        {
            var kept = Credits.Min(lot.Remaining, unkept);
            unkept -= kept;
            if (lot.Terms.ExpiresAt <= now && lot.Remaining > kept) due.Add((lot, lot.Remaining - kept));
        }

        return due;
    }

    /// <summary>What has to go of a source's lots so that no more than so much is left; of what a hold keeps nothing goes.</summary>
    public IReadOnlyList<(Lot Lot, Credits Amount)> Beyond(Credits atMost, GrantSource source, Credits held)
    {
        var standing = Left.Where(lot => lot.Terms.Source == source).Sum(lot => lot.Remaining.Micros);
        var excess = new Credits(standing) - (atMost > Credits.Zero ? atMost : Credits.Zero);
        var cuts = new List<(Lot, Credits)>();
        var unkept = held;
        foreach (var lot in Left)
        {
            var kept = Credits.Min(lot.Remaining, unkept);
            unkept -= kept;
            var cut = Credits.Min(lot.Remaining - kept, excess);
            if (lot.Terms.Source != source || cut <= Credits.Zero) continue;

            excess -= cut;
            cuts.Add((lot, cut));
        }

        return cuts;
    }

    /// <summary>No lot with anything left expires before this.</summary>
    public DateTimeOffset? Due => Left.Min(lot => lot.Terms.ExpiresAt);

    /// <summary>A lot as it is stored; one that comes in now is <see cref="Follow"/>ed.</summary>
    public void Add(Lot lot)
    {
        bySeq.Add(lot.Seq, lot);
        if (lot.Remaining > Credits.Zero) order.Add(Rank.Of(lot));
    }

    void Put(Lot lot)
    {
        bySeq[lot.Seq] = lot;
        changed.Add(lot.Seq);
        if (lot.Remaining > Credits.Zero) order.Add(Rank.Of(lot));
        else order.Remove(Rank.Of(lot));
    }

    void PutBack(long seq, Movement movement)
    {
        if (!bySeq.TryGetValue(seq, out var lot) || lot.Remaining + movement.Amount > lot.Amount)
            throw new InvalidOperationException("The entries of a wallet put back more than a lot can hold.");

        Put(lot with { Remaining = lot.Remaining + movement.Amount });
        Count(lot, movement, -movement.Amount);
    }

    void BurnInOrder(Credits amount, Movement movement)
    {
        if (movement.Lot is { } seq && bySeq.TryGetValue(seq, out var target)) amount -= Take(target, amount, movement);
        while (amount > Credits.Zero && order.Count > 0) amount -= Take(bySeq[order.Min.Seq], amount, movement);

        if (amount > Credits.Zero) throw new InvalidOperationException("The entries of a wallet took more than its lots hold.");
    }

    Credits Take(Lot lot, Credits atMost, Movement movement)
    {
        var taken = Credits.Min(lot.Remaining, atMost);
        if (taken == Credits.Zero) return taken;

        Put(lot with { Remaining = lot.Remaining - taken });
        Count(lot, movement, taken);
        return taken;
    }

    void Count(Lot lot, Movement movement, Credits amount)
    {
        var key = (lot.Seq, DateOnly.FromDateTime(movement.At.UtcDateTime), movement.Kind);
        burns[key] = burns.GetValueOrDefault(key) + amount;
    }

    readonly record struct Rank(int Priority, DateTimeOffset Expiry, long Seq) : IComparable<Rank>
    {
        public static Rank Of(Lot lot) => new(lot.Terms.Priority, lot.Terms.ExpiresAt ?? DateTimeOffset.MaxValue, lot.Seq);

        public int CompareTo(Rank other) => (Priority, Expiry, Seq).CompareTo((other.Priority, other.Expiry, other.Seq));
    }
}
