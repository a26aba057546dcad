namespace Purser.Sandbox.Stripe.Billing;

/// <summary>
/// Calendar arithmetic of billing periods, always from the anchor, so that the 31st comes back after February.
/// </summary>
static class Periods
{
    public static long Add(long from, string interval, long count)
    {
        var start = DateTimeOffset.FromUnixTimeSeconds(from);
        var n = (int)count;
        return (interval switch
        {
            "day" => start.AddDays(n),
            "week" => start.AddDays(7 * n),
            "month" => start.AddMonths(n),
            "year" => start.AddYears(n),
            _ => throw new InvalidOperationException($"No interval is called {interval}"),
        }).ToUnixTimeSeconds();
    }

    /// <summary>The first boundary after a moment, counted from the anchor in either direction.</summary>
    public static long NextBoundary(long anchor, string interval, long count, long after)
    {
        // A guess by the shortest length an interval can have overshoots; from there one step at a time.
        var longest = count * interval switch { "day" => 86_400L, "week" => 604_800, "month" => 31 * 86_400, _ =>
            366 * 86_400 };
        var n = (after - anchor) / longest - 1;
        while (Add(anchor, interval, n * count) <= after) n++;
        return Add(anchor, interval, n * count);
    }

    /// <summary>
    /// The last boundary before a moment: a period's full length is counted from here, even where it began late.
    /// </summary>
    public static long BoundaryBefore(long anchor, string interval, long count, long end)
    {
        var shortest = count * interval switch { "day" => 86_400L, "week" => 604_800, "month" => 28 * 86_400, _ =>
            365 * 86_400 };
        var n = (end - anchor) / shortest + 1;
        while (Add(anchor, interval, n * count) >= end) n--;
        return Add(anchor, interval, n * count);
    }
}
