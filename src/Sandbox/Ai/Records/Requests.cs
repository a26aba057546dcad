namespace Purser.Sandbox.Ai.Records;

/// <summary>A request as it came, nothing left out.</summary>
sealed record Received
{
    public required DateTimeOffset At { get; init; }
    public required string Method { get; init; }
    public required string Path { get; init; }
    public required KeyValuePair<string, string>[] Headers { get; init; }
    public required byte[] Body { get; init; }
    public required string Account { get; init; }
    public required string RequestId { get; init; }
}

/// <summary>The newest requests: for tests that assert what arrived, byte by byte.</summary>
sealed class Requests
{
    const int Kept = 200;
    const long BytesKept = 64 << 20;

    readonly Lock gate = new();
    readonly LinkedList<Received> kept = new();
    long bytes;

    public void Add(Received request)
    {
        lock (gate)
        {
            kept.AddFirst(request);
            bytes += request.Body.Length;
            while (kept.Count > Kept || (bytes > BytesKept && kept.Count > 1))
            {
                bytes -= kept.Last!.Value.Body.Length;
                kept.RemoveLast();
            }
        }
    }

    /// <summary>Newest first, of one account or of all.</summary>
    public List<Received> Newest(int limit, string? account)
    {
        lock (gate) return [.. kept.Where(one => account is null || one.Account == account).Take(limit)];
    }

    public void Reset()
    {
        lock (gate)
        {
            kept.Clear();
            bytes = 0;
        }
    }
}
