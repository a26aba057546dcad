using System.Globalization;
using Purser.Core.Gateway;
using Purser.Server.Platform;

namespace Purser.Server.Gateway;

/// <summary>
/// The limits of keys in Redis, where all servers count together. Redis does what <see cref="RateLimit"/> does, in one go and
/// by its own clock, so that the clocks of the servers need not agree.
/// </summary>
sealed class SharedLimits(Redis redis, Patience patience)
{
    // Ticks as .NET has them, counted from 2020: a Lua number is exact up to 2^53, which is in the year 2048. What a key holds
    // is the tick at which all of its limit is there again; once it is, the key is gone.
    public static readonly RedisScript Script = new("""
        local time = redis.call('TIME')
        local now = (time[1] - 1577836800) * 10000000 + time[2] * 10
        local window, refuses = tonumber(ARGV[1]), ARGV[2] == 'take'
        local found = { now }
        for i, key in ipairs(KEYS) do
          local full = tonumber(redis.call('GET', key) or '0')
          if full < now then full = now end
          found[i + 1] = full
          local after = full + tonumber(ARGV[i + 2])
          if refuses and after - now > window then break end
          if after > now then
            redis.call('SET', key, string.format('%.0f', after), 'PX', math.ceil((after - now) / 10000))
          else
            redis.call('DEL', key)
          end
        end
        return found
        """);

    static readonly DateTimeOffset Epoch = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public bool IsConfigured => redis.IsConfigured;

    /// <summary>Null where Redis does not say in time.</summary>
    public async ValueTask<RateVerdict?> Take(VirtualKey key, long tokens)
    {
        var asked = new List<(string Key, long PerMinute, long Count)>(2);
        if (key.RequestsPerMinute is { } requests) asked.Add((Name(key, "requests"), requests, 1));
        if (key.TokensPerMinute is { } most) asked.Add((Name(key, "tokens"), most, tokens));

        var reply = await Run("take", asked);
        if (reply is not RedisReply.Many { Values: [RedisReply.Number { Value: var now }, .. var found] }) return null;

        // What Redis found is decided here once more, by the same rule: it makes the answer.
        var answers = found.Zip(asked, (full, one) =>
            new RateLimit(Instant(((RedisReply.Number)full).Value)).Take(one.PerMinute, one.Count, Instant(now)).Answer).ToArray();
        return key.RequestsPerMinute is null
            ? new(null, answers[0]) { IsShared = true }
            : new(answers[0], answers.Length > 1 ? answers[1] : null) { IsShared = true };
    }

    /// <summary>Nobody waits for it.</summary>
    public void Correct(VirtualKey key, long perMinute, long more) => _ = Run("correct", [(Name(key, "tokens"), perMinute, more)]).AsTask();

    ValueTask<RedisReply?> Run(string what, List<(string Key, long PerMinute, long Count)> asked) => redis.Run(
        Script,
        [.. asked.Select(one => one.Key)],
        [
            RateLimit.Window.Ticks.ToString(CultureInfo.InvariantCulture),
            what,
            .. asked.Select(one => RateLimit.Cost(one.PerMinute, one.Count).Ticks.ToString(CultureInfo.InvariantCulture)),
        ],
        patience.Limits);

    // What stands in braces puts both on the same machine, where there are several.
    static string Name(VirtualKey key, string what) => $"purser:limit:{{{key.Id}}}:{what}";

    static DateTimeOffset Instant(long ticks) => Epoch + TimeSpan.FromTicks(ticks);
}
