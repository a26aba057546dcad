using System.Text.Json.Serialization;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Catalog;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

sealed record BalanceAnswer(string Customer, Credits Balance, Credits Held, Credits Available, Credits Owed, decimal Usd);

sealed record GrantAnswer(
    string Id, Credits Amount, Credits Remaining, Credits Balance, Credits Available, string Source, int Priority,
    DateTimeOffset? ExpiresAt, MoneyAnswer? Paid, string? Reason, string? Reference, DateTimeOffset At);

sealed record LotAnswer(
    string Id, Credits Amount, Credits Remaining, Credits Reversed, string Source, int Priority,
    DateTimeOffset? ExpiresAt, MoneyAnswer? Paid, string? Reason, string? Reference, DateTimeOffset At);

/// <param name="Uncharged">What it would have cost, where charging was off.</param>
sealed record ChargeAnswer(string Id, Credits Amount, Credits Balance, Credits Available, QuoteAnswer? Quote, Credits? Uncharged);

sealed record HoldAnswer(string Id, Credits Amount, DateTimeOffset ExpiresAt, Credits Available);

sealed record HoldStateAnswer(
    string Id, string Customer, Credits Amount, string State, Credits Captured, DateTimeOffset ExpiresAt, string? Reason, string? Reference);

sealed record CaptureAnswer(
    string Id, Credits Amount, Credits Released, Credits Shortfall, Credits Balance, Credits Available, QuoteAnswer? Quote, Credits? Uncharged);

sealed record ReleaseAnswer(string Id, Credits Released, Credits Available);

sealed record ReversalAnswer(string Id, Credits Taken, Credits Owed, Credits Balance, Credits Available);

sealed record EntryAnswer(
    string Id, long Seq, string Kind, Credits Amount, Credits Balance,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Reason,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Reference,
    DateTimeOffset At, string Hash, Credits? Owed, string? Hold, Credits? Shortfall, string? Grant, QuoteAnswer? Quote);

sealed record EstimateAnswer(Credits Amount, decimal Usd, IReadOnlyList<QuoteLineAnswer> Lines, bool? Affordable);

sealed record FreezeAnswer(string Customer, bool Frozen, string? Reason, DateTimeOffset? Since);

sealed record BulkResult(ChargeAnswer? Charge, Error? Error, bool? Replayed);

sealed record BulkAnswer(IReadOnlyList<BulkResult> Results);

static class Answers
{
    public const string Replayed = "Idempotency-Replayed";

    public static MoneyAnswer? Answer(this Money? money) => money is { } paid ? new(paid.Minor, paid.Currency) : null;

    public static string Name(this EntryKind kind) => kind.ToString().ToLowerInvariant();

    public static string Name(this GrantSource source) => source.ToString().ToLowerInvariant();

    public static string Name(this HoldState state) => state.ToString().ToLowerInvariant();

    /// <summary>The error of every outcome but <see cref="Outcome.Done"/>.</summary>
    public static Error ToError(this Outcome outcome) => outcome switch
    {
        Outcome.Refused refused => ToError(refused),
        Outcome.KeyReused => Error.Of(
            ErrorType.Conflict, "idempotency_key_reused", "This Idempotency-Key was used before, for another request."),
        Outcome.Overloaded => Error.Overloaded("overloaded", "More is waiting than can be done in time. Nothing was accepted."),
        Outcome.Unknown => Error.Overloaded(
            "outcome_unknown", "The outcome is not known yet. Ask again with the same Idempotency-Key."),
        _ => throw new InvalidOperationException($"{outcome.GetType().Name} is no error."),
    };

    /// <summary>Answers with what was done, or with why not; and says whether it was done before.</summary>
    public static IResult Reply(this Outcome outcome, HttpContext http, Func<Receipt, IResult> done)
    {
        if (outcome is Outcome.Done { Replayed: true } or Outcome.Refused { Replayed: true })
            http.Response.Headers[Replayed] = "true";

        return outcome is Outcome.Done { Receipt: var receipt } ? done(receipt) : outcome.ToError().Answer(http);
    }

    static Error ToError(Outcome.Refused refused)
    {
        var error = refused.Why.ToError();
        return refused.Why is Refusal.InsufficientCredits or Refusal.BudgetExceeded
            ? error with
            {
                Message = $"{error.Message} Required: {refused.Required}, Available: {refused.Available}",
                Required = refused.Required,
                Available = refused.Available,
            }
            : error;
    }

    static Error ToError(this Refusal why) => why switch
    {
        Refusal.CustomerUnknown => Error.NotFound("customer"),
        Refusal.HoldUnknown => Error.NotFound("hold"),
        Refusal.GrantUnknown => Error.Of(ErrorType.NotFound, "not_found", "This customer has no such grant.", "grant"),
        Refusal.AmountNotPositive => Error.Invalid("amount", "The amount must be more than zero."),
        Refusal.AmountTooLarge => Error.Invalid("amount", $"No amount is larger than {Credits.Max} credits."),
        Refusal.ExpiryNotInFuture => Error.Invalid("expires_at", "The expiry must lie in the future."),
        Refusal.HoldCaptured => Error.Of(ErrorType.Conflict, "hold_captured", "This hold was captured."),
        Refusal.HoldReleased => Error.Of(ErrorType.Conflict, "hold_released", "This hold was released."),
        Refusal.HoldExpired => Error.Of(ErrorType.Conflict, "hold_expired", "This hold has expired; its credits are free again."),
        Refusal.CustomerFrozen => Error.Of(ErrorType.Forbidden, "customer_frozen", "This customer is frozen: nothing is charged or held."),
        Refusal.BudgetUnknown => Error.NotFound("budget"),
        Refusal.BudgetClosed => Error.Of(ErrorType.Forbidden, "budget_closed", "This budget is closed: nothing is held in it."),
        Refusal.BudgetExceeded => Error.Of(ErrorType.PaymentRequired, "budget_exceeded", "Budget exceeded."),
        Refusal.ReversalExceedsGrant => Error.Invalid("amount", "More than is left to reverse of this grant."),
        Refusal.RestoreExceedsReversal => Error.Invalid("amount", "More than was reversed of this grant."),
        Refusal.InsufficientCredits => Error.Of(ErrorType.PaymentRequired, "insufficient_credits", "Insufficient credits."),
        Refusal.BalanceTooLarge => Error.Invalid("amount", $"No balance is larger than {Credits.Max} credits."),
    };
}
