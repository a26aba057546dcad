namespace Purser.Core.Ledger;

/// <summary>Something that the entries do not bear out.</summary>
/// <param name="Seq">The entry where it shows; 0 where it is about the wallet as a whole.</param>
public sealed record Difference(WalletId Wallet, long Seq, string What);

/// <summary>
/// Recomputes one wallet from its entries, in order: the chain, the running balances, and in the end the wallet's own
/// row, its holds and its lots. It repeats nothing of how they were written but the hash and the order in which lots burn.
/// </summary>
/// <param name="lots">As they are stored, which is as of <paramref name="projected"/>.</param>
/// <param name="projected">The entry up to which the stored lots have followed.</param>
public sealed class Proof(Wallet wallet, Credits openHolds, IReadOnlyList<Lot> lots, long projected)
{
    readonly Dictionary<long, Lot> stored = lots.ToDictionary(lot => lot.Seq);
    readonly List<Difference> differences = [];
    readonly Lots recomputed = new([]);
    readonly HashSet<long> granted = [];
    readonly Dictionary<long, Credits> reversed = [];
    Hash head;
    Credits balance;
    Credits owed;
    long seq;
    bool lotsFollow = true;

    public IReadOnlyList<Difference> Differences => differences;

    /// <summary>What is stored of the lots' days, as of the same entry as they are; null where that is not in question.</summary>
    public IReadOnlyList<Burn>? Burns { get; init; }

    /// <param name="entry">As it is stored; its terms are those of the lot that bears its number.</param>
    public void Next(Entry entry)
    {
        var at = entry.Id.Seq;
        if (at != seq + 1) Differs(at, $"entry {seq + 1} is missing");
        if (entry.Balance != balance + entry.Amount) Differs(at, $"the balance should be {balance + entry.Amount} and is {entry.Balance}");
        if (Chain.Link(head, entry) != entry.Hash) Differs(at, "the hash does not fit the entry, its lot's terms and the entry before");
        if (entry.Kind == EntryKind.Grant && entry.Terms is null) Differs(at, "the lot of this grant is missing");

        // Of a reversal, what was taken and what became owed; of a debt that a grant pays, one makes up for the other.
        if (entry is { Kind: EntryKind.Reversal, Lot: { } of })
            reversed[of] = reversed.GetValueOrDefault(of) - entry.Amount + entry.Owed - owed;

        // Each entry is held against what is stored before it, so that one change shows once and not in all that follow.
        (seq, balance, owed, head) = (at, entry.Balance, entry.Owed, entry.Hash);
        if (entry.Terms is not null) granted.Add(at);
        if (stored.TryGetValue(at, out var lot) && lot.Amount != entry.Amount) Differs(at, $"its lot is of {lot.Amount}");
        Follow(entry);
        if (at != projected) return;

        CompareLots(at);
        CompareBurns(Burns, recomputed.Burns);
    }

    /// <summary>After the last entry.</summary>
    public IReadOnlyList<Difference> Close()
    {
        if (wallet.Seq > seq) Differs(seq + 1, $"entry {seq + 1} is missing: the wallet counts {wallet.Seq}");
        if (wallet.Seq < seq) Differs(seq, $"the wallet counts {wallet.Seq} entries, and {seq} are there");
        if (wallet.Balance != balance) Differs(0, $"the wallet's balance is {wallet.Balance}, and its entries sum up to {balance}");
        if (wallet.Owed != owed) Differs(0, $"the wallet owes {wallet.Owed}, and its last entry says {owed}");
        if (wallet.Head != head) Differs(0, "the wallet's head is not the hash of its last entry");
        if (wallet.Held != openHolds) Differs(0, $"the wallet's held is {wallet.Held}, and its open holds sum up to {openHolds}");
        if (wallet.Held > wallet.Balance) Differs(0, "more is held than there is");
        if (projected == 0) CompareBurns(Burns, []);
        if (projected > seq) Differs(0, $"the lots claim to have followed entry {projected}");
        foreach (var lot in lots)
        {
            if (!granted.Contains(lot.Seq)) Differs(lot.Seq, "a lot is there that no entry brought in");
            var back = reversed.GetValueOrDefault(lot.Seq);
            if (lot.Reversed != back) Differs(lot.Seq, $"of this lot {lot.Reversed} is stored as reversed, and it should be {back}");
            if (lot.Seq > projected && lot.Remaining != lot.Amount) Differs(lot.Seq, "of this lot something is gone that no entry took");
        }

        var left = recomputed.Left.Aggregate(Credits.Zero, (sum, lot) => sum + lot.Remaining);
        if (lotsFollow && left != balance) Differs(0, $"the lots hold {left}, and the balance is {balance}");
        // Too early a date costs a look; one too late lets credits be spent that have expired.
        if (lotsFollow && recomputed.Due is { } due && !(wallet.LotsDue <= due))
        {
            var looked = wallet.LotsDue is { } at ? $"at {at:O}" : "never";
            Differs(0, $"a lot expires at {due:O}, and the wallet is to be looked at {looked}");
        }

        return differences;
    }

    void Follow(Entry entry)
    {
        if (!lotsFollow) return;

        try
        {
            recomputed.Follow(Movement.Of(entry));
        }
        catch (InvalidOperationException)
        {
            lotsFollow = false;
            Differs(entry.Id.Seq, "the entry takes more than the lots held");
        }
    }

    void CompareLots(long at)
    {
        foreach (var lot in recomputed.InOrder)
        {
            if (stored.TryGetValue(lot.Seq, out var row) && row.Remaining != lot.Remaining)
                Differs(lot.Seq, $"of this lot {row.Remaining} is stored as remaining after entry {at}, and it should be {lot.Remaining}");
        }
    }

    void CompareBurns(IEnumerable<Burn>? written, IEnumerable<Burn> expected)
    {
        if (written is null || !lotsFollow) return;

        var there = written.Where(burn => burn.Amount != Credits.Zero).ToHashSet();
        there.SymmetricExceptWith(expected.Where(burn => burn.Amount != Credits.Zero));
        foreach (var lot in there.Select(burn => burn.Lot).Distinct())
            Differs(lot, "what this lot lost day by day is not stored as the entries have it");
    }

    void Differs(long at, string what) => differences.Add(new(wallet.Id, at, what));
}
