namespace Purser.Sandbox.Ai.Anthropic;

/// <summary>
/// The end of one block of a prompt: what came before it, all the tokens up to it, and for how long that is to be
/// cached, if it is marked.
/// </summary>
readonly record struct Boundary(UInt128 Prefix, long Tokens, TimeSpan? Lifetime);

/// <summary>How the tokens of a prompt meet the cache; the rest of them are plain input.</summary>
readonly record struct CacheUse(long Read, long Write, long WriteHour);

/// <summary>
/// The prompt cache of one account. The first sight of a marked prefix writes it, another within its lifetime reads it
/// and makes it last again.
/// </summary>
sealed class PromptCache
{
    // How many blocks before a mark Anthropic looks for what it has.
    const int LookBack = 20;
    const int CountMax = 10_000;

    readonly Lock gate = new();
    readonly Dictionary<UInt128, (DateTimeOffset Until, TimeSpan Lifetime)> known = [];

    public CacheUse Use(IReadOnlyList<Boundary> boundaries, DateTimeOffset now)
    {
        lock (gate)
        {
            var read = Known(boundaries, now);
            var (hour, end) = (read, read);
            foreach (var boundary in boundaries)
            {
                if (boundary.Lifetime is not { } lifetime) continue;
                Keep(boundary.Prefix, lifetime, now);
                end = Math.Max(end, boundary.Tokens);
                if (lifetime == CacheMarks.Hour) hour = Math.Max(hour, boundary.Tokens);
            }
            return new(read, end - hour, hour - read);
        }
    }

    /// <summary>The tokens of the longest prefix that is known.</summary>
    long Known(IReadOnlyList<Boundary> boundaries, DateTimeOffset now)
    {
        var marked = -LookBack;
        for (var i = boundaries.Count - 1; i >= 0; i--)
        {
            var boundary = boundaries[i];
            if (boundary.Lifetime is not null) marked = i;
            if (marked - i is < 0 or >= LookBack) continue;
            if (!known.TryGetValue(boundary.Prefix, out var entry) || entry.Until <= now) continue;
            known[boundary.Prefix] = entry with { Until = now + entry.Lifetime };
            return boundary.Tokens;
        }
        return 0;
    }

    void Keep(UInt128 prefix, TimeSpan lifetime, DateTimeOffset now)
    {
        if (known.Count >= CountMax) known.Clear();
        known[prefix] = (now + lifetime, lifetime);
    }
}
