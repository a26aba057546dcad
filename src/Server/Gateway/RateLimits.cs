using System.Collections.Concurrent;
using System.Globalization;
using Purser.Core;
using Purser.Core.Gateway;
using Purser.Server.Gateway.Providers;

namespace Purser.Server.Gateway;

/// <summary>What the limits of a key say to one request.</summary>
sealed record RateVerdict(RateAnswer? Requests, RateAnswer? Tokens)
{
    /// <summary>Whether it was counted together with other servers.</summary>
    public bool IsShared { get; init; }

    public bool Granted => Requests is not { Granted: false } && Tokens is not { Granted: false };

    public TimeSpan Wait => Longer(Requests?.Wait ?? default, Tokens?.Wait ?? default);

    /// <summary>Under the names that the SDKs of that API read.</summary>
    public void SetHeaders(IHeaderDictionary headers, Dialect dialect, DateTimeOffset now)
    {
        Set(headers, dialect, now, "requests", Requests);
        Set(headers, dialect, now, "tokens", Tokens);
    }

    static void Set(IHeaderDictionary headers, Dialect dialect, DateTimeOffset now, string what, RateAnswer? answer)
    {
        if (answer is not { } one) return;

        if (dialect == Dialect.Anthropic)
        {
            headers[$"anthropic-ratelimit-{what}-limit"] = Text(one.Limit);
            headers[$"anthropic-ratelimit-{what}-remaining"] = Text(one.Remaining);
            headers[$"anthropic-ratelimit-{what}-reset"] =
                (now + one.Reset).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            return;
        }

        headers[$"x-ratelimit-limit-{what}"] = Text(one.Limit);
        headers[$"x-ratelimit-remaining-{what}"] = Text(one.Remaining);
        headers[$"x-ratelimit-reset-{what}"] = string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(one.Reset.TotalMilliseconds)}ms");
    }

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;
}

/// <summary>
/// How many requests and tokens each key has used of its minute: on all servers together where they share a Redis; on this
/// one alone where there is none, and as long as it is away.
/// </summary>
sealed class RateLimits(SharedLimits shared)
{
    // Beyond this, those are forgotten that have all of their limit again.
    const int Most = 100_000;

    readonly ConcurrentDictionary<(Id<VirtualKey> Key, bool Tokens), RateLimit> used = new();

    public async ValueTask<RateVerdict> Take(VirtualKey key, long tokens, DateTimeOffset now)
    {
        if (key is { RequestsPerMinute: null, TokensPerMinute: null }) return new(null, null);

        return (shared.IsConfigured ? await shared.Take(key, tokens) : null) ?? TakeHere(key, tokens, now);
    }

    /// <summary>Once it is known what a call really used: where it was taken.</summary>
    public void Correct(VirtualKey key, RateVerdict taken, long more, DateTimeOffset now)
    {
        if (key.TokensPerMinute is not { } most || more == 0) return;

        if (taken.IsShared) shared.Correct(key, most, more);
        else used.AddOrUpdate((key.Id, true), _ => default, (_, limit) => limit.Correct(most, more, now));
    }

    RateVerdict TakeHere(VirtualKey key, long tokens, DateTimeOffset now)
    {
        if (used.Count > Most) Forget(now);

        var requests = key.RequestsPerMinute is { } some ? Take((key.Id, false), some, 1, now) : (RateAnswer?)null;
        // A request that is refused anyway takes no tokens.
        var granted = requests is not { Granted: false };
        var ofTokens = key.TokensPerMinute is { } most && granted ? Take((key.Id, true), most, tokens, now) : (RateAnswer?)null;
        return new(requests, ofTokens);
    }

    RateAnswer Take((Id<VirtualKey>, bool) which, long perMinute, long count, DateTimeOffset now)
    {
        while (true)
        {
            var before = used.GetOrAdd(which, default(RateLimit));
            var (after, answer) = before.Take(perMinute, count, now);
            if (!answer.Granted || used.TryUpdate(which, after, before)) return answer;
        }
    }

    void Forget(DateTimeOffset now)
    {
        foreach (var (which, limit) in used)
            if (limit.FullAt <= now) used.TryRemove(KeyValuePair.Create(which, limit));
    }
}
