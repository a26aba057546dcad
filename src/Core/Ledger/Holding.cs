namespace Purser.Core.Ledger;

public static class Holding
{
    /// <param name="budget">The one that is named, where there is one of that name.</param>
    public static Decision Place(Wallet wallet, Budget? budget, Command.PlaceHold place, DateTimeOffset now)
    {
        budget = budget?.AsOf(now);
        var required = place.Uncharged ? Credits.Zero : place.AtLeast ?? place.Amount;
        if (place.Amount < Credits.Zero || required < Credits.Zero) return Refused(Refusal.AmountNotPositive);
        if (place.Amount == Credits.Zero && place.Subject is null) return Refused(Refusal.AmountNotPositive);
        if (place.Amount > Credits.Max || required > place.Amount) return Refused(Refusal.AmountTooLarge);
        if (place.ExpiresIn <= TimeSpan.Zero) return Refused(Refusal.ExpiryNotInFuture);
        if (wallet.Frozen) return Refused(Refusal.CustomerFrozen);
        if (place.Budget is not null && budget is null) return Refused(Refusal.BudgetUnknown);
        if (budget is { Closed: true }) return Refused(Refusal.BudgetClosed);
        // Before the wallet: who holds a key with a budget is not told what is in the wallet behind it.
        if (budget?.Left is { } left && required > left) return new Decision.Refused(Refusal.BudgetExceeded, required, left);
        if (required > wallet.Available) return Refused(Refusal.InsufficientCredits);

        // From here on the hold must succeed.
        var amount = place.Uncharged ? Credits.Zero : Credits.Min(place.Amount, wallet.Available);
        if (budget?.Left is { } room) amount = Credits.Min(amount, room);
        var after = wallet with { Held = wallet.Held + amount, Holds = wallet.Holds + 1 };
        var hold = new Hold(
            new(wallet.Id, after.Holds),
            amount,
            HoldState.Open,
            Captured: Credits.Zero,
            Booking.Storable(now + place.ExpiresIn),
            place.Subject,
            place.Reason,
            place.Reference,
            AvailableAfter: null)
        {
            HeldIn = budget is null ? null : new(budget.Id, budget.PeriodStart),
            Uncharged = place.Uncharged,
        };
        return Changed(after, hold, new(
            now, null, hold.Id.Number, hold.Amount, after.Balance, after.Available, Credits.Zero, Credits.Zero));

        Decision Refused(Refusal why) => new Decision.Refused(why, required, wallet.Available);
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
    /// <param name="budget">The one that the hold is in, where it is in one.</param>
    public static Decision Capture(Wallet wallet, Hold? hold, Budget? budget, Command.Capture capture, DateTimeOffset now)
    {
        if (hold is null) return Refused(Refusal.HoldUnknown);
        if (capture.Amount < Credits.Zero) return Refused(Refusal.AmountNotPositive);
        if (capture.Amount > Credits.Max) return Refused(Refusal.AmountTooLarge);
        if (Ended(hold, now) is { } why) return Refused(why);

        // From here on the capture must succeed.
        var due = hold.Uncharged || capture.Uncharged ? Credits.Zero : capture.Amount;
        var excess = due > hold.Amount ? due - hold.Amount : Credits.Zero;
        var beyond = Credits.Min(excess, Room(wallet, hold, budget?.AsOf(now)));
        var taken = Credits.Min(due, hold.Amount) + beyond;
        var draft = new Draft(EntryKind.Charge, -taken)
        {
            Owed = wallet.Owed,
            Reason = hold.Reason,
            Reference = hold.Reference,
            Hold = hold.Id.Number,
            Shortfall = due - taken,
            Quote = capture.Quote,
        };
        var (after, entry) = wallet.Append(draft, now);
        after = after with { Held = after.Held - hold.Amount };
        var receipt = after.Receipt(entry, taken) with
        {
            Rest = hold.Amount - Credits.Min(due, hold.Amount),
            Missing = entry.Shortfall,
        };
        var captured = hold with { State = HoldState.Captured, Captured = taken, AvailableAfter = after.Available };
        return new Decision.Recorded(after, receipt, [entry], captured);

        Decision Refused(Refusal why) => new Decision.Refused(why, capture.Amount, wallet.Available);
    }

    /// <summary>What a capture may take beyond its hold.</summary>
    static Credits Room(Wallet wallet, Hold hold, Budget? budget)
    {
        // Of a frozen wallet nothing leaves but what was promised before.
        if (wallet.Frozen) return Credits.Zero;
        if (hold.HeldIn is null) return wallet.Available;
        // Nor in a closed budget; and what it leaves in one period is not for what began in another.
        if (budget is null or { Closed: true }) return Credits.Zero;
        if (budget.Left is not { } left) return wallet.Available;

        return budget.Counts(hold) ? Credits.Min(left, wallet.Available) : Credits.Zero;
    }

    /// <summary>Gives all of it back. A second time answers as the first did.</summary>
    public static Decision Release(Wallet wallet, Hold? hold, DateTimeOffset now)
    {
        if (hold is null) return Refused(Refusal.HoldUnknown);
        if (hold.State == HoldState.Released)
            return Changed(wallet, hold, Given(hold, hold.AvailableAfter ?? wallet.Available)) with { Anew = false };
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
