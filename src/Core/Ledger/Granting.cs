namespace Purser.Core.Ledger;

public static class Granting
{
    /// <param name="lots">Only a grant with a cap needs them.</param>
    public static Decision Grant(Wallet wallet, Lots? lots, Command.Grant grant, DateTimeOffset now)
    {
        if (grant.Amount <= Credits.Zero) return Refused(Refusal.AmountNotPositive);
        if (grant.Amount > Credits.Max) return Refused(Refusal.AmountTooLarge);
        if (grant.Terms.ExpiresAt <= now) return Refused(Refusal.ExpiryNotInFuture);
        if (grant.Amount > Credits.Max - wallet.Balance) return Refused(Refusal.BalanceTooLarge);

        // From here on the grant must succeed.
        var draft = new Draft(EntryKind.Grant, grant.Amount)
        {
            Reason = grant.Reason,
            Reference = grant.Reference,
            Terms = grant.Terms,
        };
        if (grant.Cap is not { } cap || lots is null) return BringIn(wallet, draft, now);

        var (cutDown, cuts) = CutDown(wallet, lots, cap - grant.Amount, now);
        var broughtIn = BringIn(cutDown, draft, now);
        return broughtIn with { Entries = [.. cuts, .. broughtIn.Entries] };

        Decision Refused(Refusal why) => new Decision.Refused(why, grant.Amount, wallet.Available);
    }

    public static Decision Adjust(Wallet wallet, Command.Adjust adjust, DateTimeOffset now)
    {
        if (adjust.Amount == Credits.Zero) return Refused(Refusal.AmountNotPositive);
        if (adjust.Amount > Credits.Max || adjust.Amount < -Credits.Max) return Refused(Refusal.AmountTooLarge);
        if (adjust.Amount < -wallet.Available) return Refused(Refusal.InsufficientCredits);
        if (adjust.Amount > Credits.Max - wallet.Balance) return Refused(Refusal.BalanceTooLarge);

        // From here on the adjustment must succeed.
        var draft = new Draft(EntryKind.Adjustment, adjust.Amount) { Reason = adjust.Reason };
        if (adjust.Amount > Credits.Zero)
            return BringIn(wallet, draft with { Terms = GrantTerms.Ordinary(GrantSource.Adjustment) }, now);

        var (after, entry) = wallet.Append(draft with { Owed = wallet.Owed }, now);
        return new Decision.Recorded(after, after.Receipt(entry, adjust.Amount), [entry], Hold: null);

        Decision Refused(Refusal why) => new Decision.Refused(why, -adjust.Amount, wallet.Available);
    }

    /// <summary>Lets a subscription's credits expire until so many are left; those that are held stay.</summary>
    static (Wallet After, List<Entry> Cuts) CutDown(Wallet wallet, Lots lots, Credits atMost, DateTimeOffset now)
    {
        var cuts = new List<Entry>();
        foreach (var (lot, amount) in lots.Beyond(atMost, GrantSource.Subscription, wallet.Held))
        {
            var draft = new Draft(EntryKind.Expiry, -amount) { Owed = wallet.Owed, Reason = "rollover cap", Lot = lot.Seq };
            (wallet, var cut) = wallet.Append(draft, now);
            cuts.Add(cut);
        }

        return (wallet, cuts);
    }

    /// <summary>Credits come in, and what is owed is paid from them first.</summary>
    static Decision.Recorded BringIn(Wallet wallet, Draft draft, DateTimeOffset now)
    {
        var (after, entry) = wallet.Append(draft with { Owed = wallet.Owed }, now);
        var debt = Credits.Min(after.Owed, entry.Amount);
        if (debt == Credits.Zero)
            return new(after, after.Receipt(entry, entry.Amount) with { Rest = entry.Amount }, [entry], Hold: null);

        var payment = new Draft(EntryKind.Reversal, -debt)
        {
            Owed = after.Owed - debt,
            Reason = "owed",
            Lot = entry.Id.Seq,
        };
        var (settled, paid) = after.Append(payment, now);
        return new(
            settled,
            settled.Receipt(entry, entry.Amount) with { Rest = entry.Amount - debt },
            [entry, paid],
            Hold: null);
    }

    /// <summary>The receipt of an entry, with what the wallet holds after all that the command wrote.</summary>
    internal static Receipt Receipt(this Wallet after, Entry entry, Credits amount) => new(
        entry.At, entry.Id.Seq, entry.Hold, amount, after.Balance, after.Available, Rest: Credits.Zero, Missing: Credits.Zero);
}
