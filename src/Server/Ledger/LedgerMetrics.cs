using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

/// <summary>What the lanes tell Prometheus.</summary>
sealed class LedgerMetrics
{
    static readonly double[] BatchSizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

    readonly Histogram batchSize;
    readonly Histogram batchSeconds;
    readonly Counter interruptions;
    readonly Counter overloads;
    readonly Counter secondLooks;
    readonly Counter replays;
    readonly Counter done;
    readonly Dictionary<Refusal, Counter> refused;
    readonly CreditCounter deducted;

    public LedgerMetrics(Metrics metrics)
    {
        batchSize = metrics.Histogram("purser_lane_batch_commands", "Commands in one transaction of a lane.", BatchSizes);
        batchSeconds = metrics.Histogram("purser_lane_batch_seconds", "Time of one transaction of a lane.", Metrics.Durations);
        interruptions = metrics.Counter("purser_lane_interruptions_total", "Batches that were run again because the database did not answer.");
        overloads = metrics.Counter("purser_lane_overloads_total", "Commands that were turned away by a full lane.");
        secondLooks = metrics.Counter("purser_lane_second_looks_total", "Batches that were run again with locks, because a key was known or a wallet taken.");
        replays = metrics.Counter("purser_ledger_replays_total", "Commands whose key was known, and that were answered as the first time.");
        done = metrics.Counter("purser_ledger_commands_total", "Commands that were carried out.");
        var byReason = metrics.Counter("purser_ledger_refusals_total", "Commands that were refused, by the reason.", "reason");
        refused = Enum.GetValues<Refusal>().ToDictionary(why => why, why => byReason.With(why.ToString()));
        metrics.Counter(
            "billing_402_insufficient_credits_total", "Requests that were refused because the customer's credits do not suffice.",
            () => refused[Refusal.InsufficientCredits].Value);
        deducted = new(metrics, "billing_credits_deducted_total", "Credits that were charged, by model or operation.", "model");
    }

    public void Committed(int commands, TimeSpan took)
    {
        batchSize.Observe(commands);
        batchSeconds.Observe(took.TotalSeconds);
    }

    public void Interrupted() => interruptions.Increment();

    public void LookedAgain() => secondLooks.Increment();

    public void Overloaded() => overloads.Increment();

    /// <param name="subject">As a quote names it; null where an amount was charged.</param>
    public void Deducted(string? subject, Credits amount) =>
        deducted.Add(subject is null ? "amount" : subject[(subject.IndexOf('/', StringComparison.Ordinal) + 1)..], amount);

    public void Answered(Outcome outcome)
    {
        if (outcome is Outcome.Done { Replayed: true } or Outcome.Refused { Replayed: true }) replays.Increment();
        else if (outcome is Outcome.Done) done.Increment();
        else if (outcome is Outcome.Refused { Why: var why }) refused[why].Increment();
    }
}
