namespace Purser.Core.Ledger;

/// <summary>What an entry is about, before the wallet gives it its number, its balance and its place in the chain.</summary>
public sealed record Draft(EntryKind Kind, Credits Amount)
{
    public Credits Owed { get; init; }
    public string? Reason { get; init; }
    public string? Reference { get; init; }
    public long? Hold { get; init; }
    public Credits Shortfall { get; init; }
    public long? Lot { get; init; }
    public string? Quote { get; init; }
    public GrantTerms? Terms { get; init; }
}

public static class Booking
{
    /// <summary>Appends an entry. The caller has decided; from here on nothing may fail.</summary>
    public static (Wallet After, Entry Entry) Append(this Wallet wallet, Draft draft, DateTimeOffset now)
    {
        var entry = new Entry(
            new(wallet.Id, wallet.Seq + 1),
            draft.Kind,
            draft.Amount,
            wallet.Balance + draft.Amount,
            draft.Owed,
            NextInstant(wallet.At, now),
            draft.Reason,
            draft.Reference,
            draft.Hold,
            draft.Shortfall,
            draft.Lot,
            draft.Quote,
            draft.Terms,
            Hash: default);
        entry = entry with { Hash = Chain.Link(wallet.Head, entry) };

        var after = wallet with
        {
            Balance = entry.Balance,
            Owed = entry.Owed,
            Seq = entry.Id.Seq,
            At = entry.At,
            Head = entry.Hash,
            LotsDue = Earlier(wallet.LotsDue, entry.Terms?.ExpiresAt),
        };
        return (after, entry);
    }

    // Entries of one wallet have one order, by number and by time alike, whichever server's clock wrote them.
    static DateTimeOffset NextInstant(DateTimeOffset last, DateTimeOffset now)
    {
        var next = last.AddMicroseconds(1);
        return Storable(now > next ? now : next);
    }

    // PostgreSQL keeps microseconds: what is read back is what was decided.
    internal static DateTimeOffset Storable(DateTimeOffset instant) =>
        new(instant.UtcTicks - (instant.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);

    static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) => a is null || b < a ? b ?? a : a;
}
