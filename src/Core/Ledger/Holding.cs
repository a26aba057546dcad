namespace Purser.Core.Ledger;

public static class Holding
{
    public static Decision Place(Wallet wallet, Command.PlaceHold place, DateTimeOffset now)
    {
        if (place.Amount < Credits.Zero) return Refused(Refusal.AmountNotPositive);
        if (place.Amount == Credits.Zero && place.Subject is null) return Refused(Refusal.AmountNotPositive);
        if (place.Amount > Credits.Max) return Refused(Refusal.AmountTooLarge);
        if (place.ExpiresIn <= TimeSpan.Zero) return Refused(Refusal.ExpiryNotInFuture);
        if (wallet.Frozen) return Refused(Refusal.CustomerFrozen);
        if (place.Amount > wallet.Available) return Refused(Refusal.InsufficientCredits);

        // From here on the hold must succeed.
        var after = wallet with { Held = wallet.Held + place.Amount, Holds = wallet.Holds + 1 };
        var hold = new Hold(
            new(wallet.Id, after.Holds),
            place.Amount,
            HoldState.Open,
            Captured: Credits.Zero,
            now + place.ExpiresIn,
            place.Subject,
            place.Reason,
            place.Reference,
            AvailableAfter: null);
        return Changed(after, hold, new(
            now, null, hold.Id.Number, hold.Amount, after.Balance, after.Available, Credits.Zero, Credits.Zero));

        Decision Refused(Refusal why) => new Decision.Refused(why, place.Amount, wallet.Available);
    }

    static readonly TimeSpan UntilDecided = TimeSpan.FromDays(3650);

    public static Decision SetAside(Wallet wallet, Command.SetAside aside, DateTimeOffset now)
    {
        if (aside.AtMost < Credits.Zero)
            return new Decision.Refused(Refusal.AmountNotPositive, aside.AtMost, wallet.Available);

        // From here on it must succeed.
        var amount = Credits.Min(aside.AtMost, wallet.Available);
        var after = wallet with { Held = wallet.Held + amount, Holds = wallet.Holds + 1 };
        var hold = new Hold(
            new(wallet.Id, after.Holds),
            amount,
            HoldState.Open,
            Captured: Credits.Zero,
            now + UntilDecided,
            Subject: null,
            aside.Reason,
            aside.Reference,
            AvailableAfter: null);
        return Changed(after, hold, new(
            now, null, hold.Id.Number, amount, after.Balance, after.Available, Credits.Zero, Credits.Zero));
    }

    /// <summary>
    /// Takes what was used. Above the hold, the excess comes from what is available; what is not there is the shortfall,
    /// because the operation has run and refusing it now would only hide what it cost.
    /// </summary>
    public static Decision Capture(Wallet wallet, Hold? hold, Command.Capture capture, DateTimeOffset now)
    {
        if (hold is null) return Refused(Refusal.HoldUnknown);
        if (capture.Amount < Credits.Zero) return Refused(Refusal.AmountNotPositive);
        if (capture.Amount > Credits.Max) return Refused(Refusal.AmountTooLarge);
        if (Ended(hold, now) is { } why) return Refused(why);

        // From here on the capture must succeed.
        var excess = capture.Amount > hold.Amount ? capture.Amount - hold.Amount : Credits.Zero;
        // Of a frozen wallet nothing leaves but what was promised before.
        var beyond = wallet.Frozen ? Credits.Zero : Credits.Min(excess, wallet.Available);
        var taken = Credits.Min(capture.Amount, hold.Amount) + beyond;
        var draft = new Draft(EntryKind.Charge, -taken)
        {
            Owed = wallet.Owed,
            Reason = hold.Reason,
            Reference = hold.Reference,
            Hold = hold.Id.Number,
            Shortfall = capture.Amount - taken,
            Quote = capture.Quote,
        };
        var (after, entry) = wallet.Append(draft, now);
        after = after with { Held = after.Held - hold.Amount };
        var receipt = after.Receipt(entry, taken) with
        {
            Rest = hold.Amount - Credits.Min(capture.Amount, hold.Amount),
            Missing = entry.Shortfall,
        };
        var captured = hold with { State = HoldState.Captured, Captured = taken, AvailableAfter = after.Available };
        return new Decision.Recorded(after, receipt, [entry], captured);

        Decision Refused(Refusal why) => new Decision.Refused(why, capture.Amount, wallet.Available);
    }

    /// <summary>Gives all of it back. A second time answers as the first did.</summary>
    public static Decision Release(Wallet wallet, Hold? hold, DateTimeOffset now)
    {
        if (hold is null) return Refused(Refusal.HoldUnknown);
        if (hold.State == HoldState.Released)
            return Changed(wallet, hold, Given(hold, hold.AvailableAfter ?? wallet.Available));
        if (Ended(hold, now) is { } why) return Refused(why);

        // From here on the release must succeed.
        var after = wallet with { Held = wallet.Held - hold.Amount };
        var released = hold with { State = HoldState.Released, AvailableAfter = after.Available };
        return Changed(after, released, Given(released, after.Available));

        Decision Refused(Refusal why) => new Decision.Refused(why, hold?.Amount ?? Credits.Zero, wallet.Available);

        Receipt Given(Hold ended, Credits available) => new(
            now, null, ended.Id.Number, ended.Amount, wallet.Balance, available, Rest: ended.Amount, Credits.Zero);
    }

    /// <summary>Gives an overdue hold back. Nobody asked, so a hold that has ended meanwhile is no refusal.</summary>
    public static Decision.Recorded? Expire(Wallet wallet, Hold? hold, DateTimeOffset now)
    {
        if (hold is null || !hold.Overdue(now)) return null;

        var after = wallet with { Held = wallet.Held - hold.Amount };
        var expired = hold with { State = HoldState.Expired, AvailableAfter = after.Available };
        return Changed(after, expired, new(
            now, null, hold.Id.Number, hold.Amount, after.Balance, after.Available, Rest: hold.Amount, Credits.Zero));
    }

    internal static Refusal? Ended(Hold hold, DateTimeOffset now) => hold.State switch
    {
        HoldState.Captured => Refusal.HoldCaptured,
        HoldState.Released => Refusal.HoldReleased,
        HoldState.Expired => Refusal.HoldExpired,
        HoldState.Open => hold.Overdue(now) ? Refusal.HoldExpired : null,
    };

    static Decision.Recorded Changed(Wallet after, Hold hold, Receipt receipt) => new(after, receipt, [], hold);
}
