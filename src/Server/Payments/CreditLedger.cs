using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>
/// The ledger as payments use it. Every command is named after what it is done for at Stripe, and that name is its key,
/// written in the command's own transaction: however often and from wherever it is asked for, it happens once.
/// </summary>
sealed class CreditLedger(Lanes lanes, Db db, TimeProvider time)
{
    const int Attempts = 5;

    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    public Task<Receipt> Grant(
        CustomerId customer, string identity, Command.Grant grant, DateTimeOffset now) => Run(customer, identity, grant, now);

    /// <summary>Keeps credits from being spent while their payment is in question; the receipt says how many there were.</summary>
    public Task<Receipt> SetAside(CustomerId customer, string identity, Credits atMost, string reason, string reference, DateTimeOffset now) =>
        Run(customer, identity, new Command.SetAside(atMost, reason, reference), now);

    /// <summary>Gives back what was set aside; nothing happens where it has ended already.</summary>
    public async Task GiveBack(CustomerId customer, long hold, DateTimeOffset now)
    {
        var wallet = WalletId.Of(customer);
        var outcome = await Settled(wallet, new Command.Release(hold), key: null, now);
        if (outcome is Outcome.Refused { Why: not (Refusal.HoldCaptured or Refusal.HoldExpired) } refused)
            throw Refused(customer, "release", refused.Why);
    }

    public Task<Receipt> Reverse(CustomerId customer, string identity, Command.Reverse reverse, DateTimeOffset now) =>
        Run(customer, identity, reverse, now);

    public Task<Receipt> Restore(CustomerId customer, string identity, Command.Restore restore, DateTimeOffset now) =>
        Run(customer, identity, restore, now);

    /// <summary>How much a reversal has taken, spent or not: nothing where it was refused or never made.</summary>
    public async Task<Credits> Reversed(CustomerId customer, string identity, CancellationToken ct)
    {
        var wallet = WalletId.Of(customer);
        return await db.Replay(wallet, Key(wallet, identity), ct) is Outcome.Done { Receipt: var receipt }
            ? receipt.Amount + receipt.Missing
            : Credits.Zero;
    }

    // The identity says it all: what is asked for again may differ in its time and amount, and is still the same.
    static CommandKey Key(WalletId wallet, string identity) =>
        Fingerprint.OwnKey(wallet, identity, Fingerprint.Of("payments", identity));

    async Task<Receipt> Run(CustomerId customer, string identity, Command command, DateTimeOffset now)
    {
        var wallet = WalletId.Of(customer);
        return await Settled(wallet, command, Key(wallet, identity), now) switch
        {
            Outcome.Done done => done.Receipt,
            Outcome.Refused refused => throw Refused(customer, identity, refused.Why),
            var other => throw new InvalidOperationException($"The ledger answered {other} to {identity}."),
        };
    }

    // A lane that is full, or that does not know the outcome yet, is asked again: the key makes that harmless.
    async Task<Outcome> Settled(WalletId wallet, Command command, CommandKey? key, DateTimeOffset now)
    {
        for (var attempt = 1; ; attempt++)
        {
            var outcome = await lanes.Run(wallet, command, key, now);
            if (outcome is not (Outcome.Overloaded or Outcome.Unknown)) return outcome;
            if (attempt == Attempts) throw new TimeoutException("The ledger has more to do than it can.");

            await Task.Delay(Pause * attempt, time);
        }
    }

    static InvalidOperationException Refused(CustomerId customer, string what, Refusal why) =>
        new($"The ledger refuses {what} of customer {customer}: {why}.");
}
