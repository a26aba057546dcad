namespace Purser.Core.Gateway;

/// <summary>So many a minute, spread evenly: what was not used for a minute may be used at once.</summary>
/// <param name="FullAt">When all of the limit will be there again. It is all that has to be remembered.</param>
public readonly record struct RateLimit(DateTimeOffset FullAt)
{
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    /// <summary>Takes so many, if they are there. More than the limit itself is never there.</summary>
    public (RateLimit After, RateAnswer Answer) Take(long perMinute, long count, DateTimeOffset now)
    {
        var full = FullAt > now ? FullAt : now;
        var after = full + Cost(perMinute, count);
        return after - now <= Window
            ? (new(after), Answer(perMinute, after, now, TimeSpan.Zero))
            : (this, Answer(perMinute, full, now, after - now - Window));
    }

    /// <summary>Takes more than was thought, or gives some back. It has happened, so it is never refused.</summary>
    public RateLimit Correct(long perMinute, long more, DateTimeOffset now)
    {
        var full = FullAt > now ? FullAt : now;
        return new(full + Cost(perMinute, more));
    }

    static RateAnswer Answer(long perMinute, DateTimeOffset full, DateTimeOffset now, TimeSpan wait)
    {
        var left = (Window - (full - now)).Ticks;
        return new(perMinute, left <= 0 ? 0 : (long)((Int128)left * perMinute / Window.Ticks), full - now, wait);
    }

    /// <summary>How much of the minute so many take.</summary>
    // Rounded up, so that a limit is never exceeded by what was rounded away; at most an hour, which no limit waits for.
    public static TimeSpan Cost(long perMinute, long count)
    {
        var ticks = (Int128)count * Window.Ticks;
        var cost = count >= 0 ? (ticks + perMinute - 1) / perMinute : ticks / perMinute;
        return new((long)Int128.Clamp(cost, -TimeSpan.TicksPerHour, TimeSpan.TicksPerHour));
    }
}

/// <param name="Reset">Until all of the limit is there again.</param>
/// <param name="Wait">Zero where it was granted; otherwise until it would be.</param>
public readonly record struct RateAnswer(long Limit, long Remaining, TimeSpan Reset, TimeSpan Wait)
{
    public bool Granted => Wait == TimeSpan.Zero;
}
