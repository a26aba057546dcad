using Purser.Core;
using Purser.Core.Gateway;
using Purser.Core.Ledger;
using Purser.Core.Pricing;
using Purser.Server.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Gateway;

/// <summary>The ledger as the gateway uses it: a hold before each call, and one settlement after it.</summary>
sealed class CallLedger(
    Lanes lanes, Charging charging, LedgerMetrics ledgerMetrics, GatewayMetrics metrics, Patience patience, TimeProvider time,
    ILogger<CallLedger> log)
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>Null where the dearest that the call can come to is held; otherwise why it is not made.</summary>
    public async Task<GatewayError?> Hold(Call call)
    {
        var (rates, card, now) = (call.Priced.Rates, call.Target.Card, call.StartedAt);
        if (Bounding.Of(call.Request, card, call.Sound.MostSeconds, now) is not Bounded.Known known)
            return Unpriced((Bounded.Unknown)Bounding.Of(call.Request, card, call.Sound.MostSeconds, now));

        var bound = known.Bound;
        var worst = call.OwnKey is null ? rates.WorstCase(card, bound, now) : rates.FeeAlone(card);
        if (worst is Quotation.Refused refused) return GatewayError.Invalid(refused.Param, refused.Message, Names.Of(refused.Why));

        var most = ((Quotation.Priced)worst).Quote.Amount;
        var least = known.MayBeLimited && call.OwnKey is null ? Least(call, bound, most) : null;
        call.Uncharged = !charging.IsOnFor(call.Key.Wallet);
        var place = new Command.PlaceHold(most, patience.Hold, "model:" + call.Model, call.Model, Reference: null, least, call.Key.Budget)
        {
            Uncharged = call.Uncharged,
        };
        // A name that nobody else has: the lane needs one to find out what became of a hold whose answer was lost.
        var key = new CommandKey(Guid.CreateVersion7(now), default);
        switch (await lanes.Run(call.Key.Wallet, place, key, now))
        {
            case Outcome.Done { Receipt: var receipt }:
                call.Hold = new(call.Key.Wallet, receipt.Hold!.Value);
                call.Held = receipt.Amount;
                call.AtMost = call.Uncharged ? most : receipt.Amount;
                if (call.AtMost < most)
                    call.LimitedTo = (rates.MostOutput(card, bound, receipt.Amount, now) - Bounding.MostRejected(call.Request)) / call.Request.Choices;
                return null;
            case Outcome.Refused why:
                return NotHeld(why);
            case Outcome.Overloaded:
                return Overloaded("overloaded", "More is waiting than can be done in time.");
            default:
                // It may still be placed. Nobody makes the call, so it is found and released.
                return Overloaded("outcome_unknown", "The ledger does not answer in time.");
        }
    }

    // What the shortest answer costs that is worth asking for.
    static Credits? Least(Call call, CallBound bound, Credits most)
    {
        var enough = (Bounding.LeastOutput * call.Request.Choices) + Bounding.MostRejected(call.Request);
        var shortest = bound with { OutputTokens = Math.Min(bound.OutputTokens, enough) };
        return call.Priced.Rates.WorstCase(call.Target.Card, shortest, call.StartedAt) is Quotation.Priced { Quote.Amount: var least }
            ? Credits.Min(least, most)
            : null;
    }

    /// <summary>Settles a call, whoever is still there: the provider has billed us.</summary>
    public Task Settle(Call call, Ending how, bool usageIsWhole) => call.Settled = Settled(call, how, usageIsWhole);

    async Task<bool> Settled(Call call, Ending how, bool usageIsWhole)
    {
        var isWhole = usageIsWhole && (call.Answer.Usage is null || call.Answer.UsageIsOfAll);
        var settlement = Settling.Decide(new(how, call.Told, isWhole, call.Answer.ProducedBytes, call.GuessedInput)
        {
            IsText = call.Request.Wire is Wire.ChatCompletions or Wire.Responses or Wire.Messages,
        });
        var bill = Billing.Of(call.Priced, settlement, call.Answer.Usage?.ServiceTier);
        call.Used = bill.Used;
        call.Uncharged |= !charging.IsOnFor(call.Key.Wallet);
        call.Charged = call.Uncharged ? Credits.Zero : bill.Amount;
        var outcome = await Settle(call.Row(how) with { Estimated = settlement is Settlement.Estimate }, bill, call.Uncharged);
        // Of a call that cost more than there was, what was there.
        if (outcome is Outcome.Done { Receipt: { Entry: not null } receipt } && !call.Uncharged) call.Charged = receipt.Amount;
        return outcome is not null;
    }

    /// <summary>Settles a call of which only its row is left.</summary>
    public Task Settle(CallRow row, Bill bill) => Settle(row, bill, uncharged: !charging.IsOnFor(row.Hold.Wallet));

    /// <summary>
    /// Once, whatever happens: the hold can only end once, and the call's row is written with its end. It is tried until
    /// the ledger has decided; null where it could not.
    /// </summary>
    async Task<Outcome?> Settle(CallRow row, Bill bill, bool uncharged)
    {
        row = row with { Price = bill.Amount, Cost = bill.Cost };
        Command command = bill.Amount == Credits.Zero
            ? new Command.Release(row.Hold.Number)
            : new Command.Capture(row.Hold.Number, bill.Amount, bill.Quote is { } quote ? QuoteAnswer.Of(quote).ToJson() : null)
            {
                Uncharged = uncharged,
            };
        for (var pause = Pause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var outcome = await Decided(row, command);
            switch (outcome)
            {
                case Outcome.Done { Receipt: var receipt }:
                    if (receipt.Entry is not null) ledgerMetrics.Deducted(row.Model, receipt.Amount);
                    metrics.Settled(row.Model, row.Ending, row.Took);
                    return outcome;
                case Outcome.Refused refused:
                    log.SettledElsewhere(row.Id, refused.Why);
                    return outcome;
                case Outcome.Overloaded:
                    await Task.Delay(pause, time);
                    break;
                case null:
                    return null;
            }
        }
    }

    async Task<Outcome?> Decided(CallRow row, Command command)
    {
        try
        {
            return await lanes.Enqueue(row.Hold.Wallet, command, key: null, time.Now(), CallRows.Riders.Of(row));
        }
        catch (Exception e)
        {
            // The lane has tried. The hold stays, until it is found to be nobody's.
            log.NotSettled(e, row.Id);
            return null;
        }
    }

    static GatewayError Unpriced(Bounded.Unknown unknown) => GatewayError.Invalid(unknown.Param, unknown.Message, "not_bounded");

    static GatewayError NotHeld(Outcome.Refused refused) => refused.Why switch
    {
        Refusal.InsufficientCredits => new(
            StatusCodes.Status402PaymentRequired,
            "insufficient_credits",
            $"Insufficient credits. Required: {refused.Required}, Available: {refused.Available}")
        {
            Required = refused.Required,
            Available = refused.Available,
        },
        Refusal.BudgetExceeded => new(
            StatusCodes.Status402PaymentRequired,
            "budget_exceeded",
            $"The budget of this key is used up. Required: {refused.Required}, Left: {refused.Available}")
        {
            Required = refused.Required,
            Available = refused.Available,
        },
        Refusal.BudgetClosed or Refusal.BudgetUnknown => Gateway.UnknownKey,
        Refusal.CustomerFrozen => new(StatusCodes.Status403Forbidden, "customer_frozen", "This customer is frozen: no call is made."),
        Refusal.AmountTooLarge => GatewayError.Invalid("model", "The request could cost more than any wallet holds."),
        Refusal.CustomerUnknown or Refusal.HoldUnknown or Refusal.GrantUnknown or Refusal.AmountNotPositive or Refusal.ExpiryNotInFuture
            or Refusal.HoldCaptured or Refusal.HoldReleased or Refusal.HoldExpired or Refusal.ReversalExceedsGrant
            or Refusal.BalanceTooLarge or Refusal.RestoreExceedsReversal =>
            throw new InvalidOperationException($"A hold is never refused because of {refused.Why}."),
    };

    static GatewayError Overloaded(string code, string message) =>
        new(StatusCodes.Status503ServiceUnavailable, code, message) { RetryAfterSeconds = 1 };
}

static partial class Log
{
    [LoggerMessage(3001, LogLevel.Warning, "Call {Call} had been settled otherwise: {Why}")]
    public static partial void SettledElsewhere(this ILogger log, CallId call, Refusal why);

    [LoggerMessage(3002, LogLevel.Error, "Call {Call} could not be settled; its hold is found and settled later")]
    public static partial void NotSettled(this ILogger log, Exception failure, CallId call);
}
