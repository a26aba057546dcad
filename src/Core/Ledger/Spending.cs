namespace Purser.Core.Ledger;

public static class Spending
{
    public static Decision Charge(Wallet wallet, Command.Charge charge, DateTimeOffset now)
    {
        if (charge.Amount < Credits.Zero) return Refused(Refusal.AmountNotPositive);
        if (charge.Amount == Credits.Zero && charge.Quote is null) return Refused(Refusal.AmountNotPositive);
        if (charge.Amount > Credits.Max) return Refused(Refusal.AmountTooLarge);
        if (wallet.Frozen) return Refused(Refusal.CustomerFrozen);
        if (!charge.Uncharged && charge.Amount > wallet.Available) return Refused(Refusal.InsufficientCredits);

        // From here on the charge must succeed.
        var taken = charge.Uncharged ? Credits.Zero : charge.Amount;
        var draft = new Draft(EntryKind.Charge, -taken)
        {
            Owed = wallet.Owed,
            Reason = charge.Reason,
            Reference = charge.Reference,
            Quote = charge.Quote,
        };
        var (after, entry) = wallet.Append(draft, now);
        return new Decision.Recorded(after, after.Receipt(entry, taken), [entry], Hold: null);

        Decision Refused(Refusal why) => new Decision.Refused(why, charge.Amount, wallet.Available);
    }
}
