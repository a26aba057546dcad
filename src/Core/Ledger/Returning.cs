namespace Purser.Core.Ledger;

/// <summary>Credits that leave without being spent: expired, or taken back with their payment.</summary>
public static class Returning
{
    /// <summary>Takes what is available; the rest becomes owed, and later grants pay it first.</summary>
    /// <param name="lot">The grant that is reversed, where one is named.</param>
    /// <param name="hold">What was set aside for it, where something was.</param>
    public static Decision Reverse(Wallet wallet, Lot? lot, Hold? hold, Command.Reverse reverse, DateTimeOffset now)
    {
        if (reverse.Hold is not null && hold is null) return Refused(Refusal.HoldUnknown);
        if (reverse.Lot is not null && lot is null) return Refused(Refusal.GrantUnknown);
        if (reverse.Amount <= Credits.Zero) return Refused(Refusal.AmountNotPositive);
        if (reverse.Amount > Credits.Max) return Refused(Refusal.AmountTooLarge);
        if (hold is not null && Holding.Ended(hold, now) is { } why) return Refused(why);
        if (lot is not null && reverse.Amount > lot.Amount - lot.Reversed) return Refused(Refusal.ReversalExceedsGrant);
        if (reverse.Amount > Credits.Max - wallet.Owed) return Refused(Refusal.BalanceTooLarge);

        // From here on the reversal must succeed.
        if (hold is not null) wallet = wallet with { Held = wallet.Held - hold.Amount };
        var taken = Credits.Min(reverse.Amount, wallet.Available);
        var draft = new Draft(EntryKind.Reversal, -taken)
        {
            Owed = wallet.Owed + reverse.Amount - taken,
            Reason = reverse.Reason,
            Reference = reverse.Reference,
            Hold = reverse.Hold,
            Lot = reverse.Lot,
        };
        var (after, entry) = wallet.Append(draft, now);
        var receipt = after.Receipt(entry, taken) with { Missing = reverse.Amount - taken };
        var ended = hold is null ? null : hold with { State = HoldState.Captured, Captured = taken, AvailableAfter = after.Available };
        return new Decision.Recorded(after, receipt, [entry], ended);

        Decision Refused(Refusal why) => new Decision.Refused(why, reverse.Amount, wallet.Available);
    }

    /// <summary>
    /// What a reversal of this lot took comes back into it, once debts are paid; its date stays what it was. What it cannot
    /// hold had become owed, and was paid from another lot since: that is a lot of its own, on the same terms.
    /// </summary>
    public static Decision Restore(Wallet wallet, Lot? lot, Command.Restore restore, DateTimeOffset now)
    {
        if (lot is null) return Refused(Refusal.GrantUnknown);
        if (restore.Amount <= Credits.Zero) return Refused(Refusal.AmountNotPositive);
        if (restore.Amount > Credits.Max - wallet.Balance) return Refused(Refusal.BalanceTooLarge);
        if (restore.Amount > lot.Reversed) return Refused(Refusal.RestoreExceedsReversal);

        // From here on it must succeed.
        var debt = Credits.Min(wallet.Owed, restore.Amount);
        var back = restore.Amount - debt;
        var fits = Credits.Min(back, lot.Amount - lot.Remaining);
        var draft = new Draft(EntryKind.Reversal, fits)
        {
            Owed = wallet.Owed - debt,
            Reason = restore.Reason,
            Reference = restore.Reference,
            Lot = restore.Lot,
        };
        var (after, entry) = wallet.Append(draft, now);
        if (lot.Terms.ExpiresAt is { } expiry && (after.LotsDue is null || expiry < after.LotsDue))
            after = after with { LotsDue = expiry };
        if (back == fits) return new Decision.Recorded(after, after.Receipt(entry, back), [entry], Hold: null);

        var (whole, rest) = after.Append(draft with { Amount = back - fits, Terms = lot.Terms with { Paid = null } }, now);
        return new Decision.Recorded(whole, whole.Receipt(entry, back), [entry, rest], Hold: null);

        Decision Refused(Refusal why) => new Decision.Refused(why, restore.Amount, wallet.Available);
    }

    /// <summary>An entry for each lot past its date. The lots must be up to date with the wallet.</summary>
    public static Decision.Recorded? Expire(Wallet wallet, Lots lots, DateTimeOffset now)
    {
        var after = wallet;
        var entries = new List<Entry>();
        foreach (var (lot, amount) in lots.Expiring(wallet.Held, now))
        {
            var draft = new Draft(EntryKind.Expiry, -amount) { Owed = after.Owed, Lot = lot.Seq };
            (after, var entry) = after.Append(draft, now);
            entries.Add(entry);
        }

        if (entries.Count == 0) return null;

        var gone = wallet.Balance - after.Balance;
        return new(after, after.Receipt(entries[^1], gone), entries, Hold: null);
    }
}
