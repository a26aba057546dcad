using Purser.Sandbox.Ai.Steering;

namespace Purser.Sandbox.Ai.Records;

/// <summary>How a call ended.</summary>
enum Outcome
{
    Finished,
    Refused,
    Failed,
    Cut,
    Hung,
    Cancelled,
}

/// <summary>One call that has ended, with what it really used.</summary>
sealed record Served
{
    public long Id { get; set; }
    public required DateTimeOffset At { get; init; }
    public required double DurationMs { get; init; }
    public required string Account { get; init; }
    public required string Provider { get; init; }
    public required string Route { get; init; }
    public required string Model { get; init; }
    public required string RequestId { get; init; }
    public required string? PurserCallId { get; init; }
    public required string? IdempotencyKey { get; init; }
    public required string? RetryCount { get; init; }
    public required int Status { get; init; }
    public required bool Stream { get; init; }
    public required Outcome Outcome { get; init; }
    public required UsageReport Report { get; init; }
    public required string? ServiceTier { get; init; }
    public required Usage Usage { get; init; }
}

/// <summary>The newest of all calls served, by number.</summary>
sealed class ServedCalls
{
    public const int Kept = 200_000;

    readonly Lock gate = new();
    Served[] ring = new Served[1024];
    long count;

    public void Add(Served call)
    {
        lock (gate)
        {
            if (count == ring.Length && count < Kept) Array.Resize(ref ring, Math.Min(ring.Length * 2, Kept));
            call.Id = ++count;
            ring[(count - 1) % ring.Length] = call;
        }
    }

    /// <summary>Those after a number, oldest first, of one account or of all.</summary>
    public (List<Served> Calls, bool More) After(long id, int limit, string? account)
    {
        var calls = new List<Served>();
        lock (gate)
        {
            for (var next = Math.Max(id, count - ring.Length); next < count; next++)
            {
                var call = ring[next % ring.Length];
                if (account is not null && call.Account != account) continue;
                if (calls.Count == limit) return (calls, true);
                calls.Add(call);
            }
        }
        return (calls, false);
    }

    public void Reset()
    {
        lock (gate)
        {
            ring = new Served[1024];
            count = 0;
        }
    }
}
