using Purser.Core.Gateway;
using Purser.Server.Platform;

namespace Purser.Server.Gateway;

/// <summary>What an operator watches of the gateway.</summary>
sealed class GatewayMetrics(Metrics metrics)
{
    readonly Family<Counter> calls = metrics.Counter(
        "purser_gateway_calls_total", "Calls to providers, by model and by how they ended.", "model", "ending");

    readonly Family<Counter> refusals = metrics.Counter(
        "purser_gateway_refusals_total", "Calls that were not made, by the reason their callers were told.", "code");

    readonly Family<Histogram> durations = metrics.Histogram(
        "purser_gateway_call_duration_seconds", "Time from a call's arrival to its settlement.", Metrics.Durations, "model");

    public void Refused(string code) => refusals.With(code).Increment();

    public void Settled(string model, Ending ending, TimeSpan took)
    {
        calls.With(model, Names.Of(ending)).Increment();
        durations.With(model).Observe(took.TotalSeconds);
    }
}
