using System.Globalization;

namespace Purser.Server.Platform;

/// <summary>What every list takes: how many, and after which.</summary>
static class Paging
{
    const int Ordinary = 50;
    const int Most = 500;

    public static int Limit(HttpContext http)
    {
        if (!http.Request.Query.TryGetValue("limit", out var given)) return Ordinary;

        // .NET reads over zero bytes behind a number.
        return given is [{ } text] && !text.Contains('\0', StringComparison.Ordinal)
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= Most
            ? limit
            : throw new InvalidRequestException("limit", $"'limit' is a number from 1 to {Most}.");
    }

    public static string? After(HttpContext http)
    {
        if (!http.Request.Query.TryGetValue("after", out var given)) return null;

        return given is [{ Length: > 0 } after] && !after.Contains('\0', StringComparison.Ordinal)
            ? after
            : throw Unknown();
    }

    /// <summary>The id after which a list goes on, as the id it must be.</summary>
    public static T? After<T>(HttpContext http) where T : struct, IParsable<T>
    {
        if (After(http) is not { } after) return null;

        return T.TryParse(after, null, out var id) ? id : throw Unknown();
    }

    /// <summary>The same, of an id that has to be one of this list.</summary>
    public static T? After<T>(HttpContext http, Func<T, bool> belongs) where T : struct, IParsable<T> =>
        After<T>(http) is not { } id ? null : belongs(id) ? id : throw Unknown();

    /// <summary>A page of what is all in memory, such as the parts of a catalog.</summary>
    public static Page<T> Page<T>(this IEnumerable<T> items, Func<T, string> id, HttpContext http)
    {
        var limit = Limit(http);
        if (After(http) is { } after)
        {
            var rest = items.SkipWhile(item => id(item) != after).ToList();
            items = rest.Count > 0 ? rest[1..] : throw Unknown();
        }

        return items.Take(limit + 1).ToList().Page(limit);
    }

    static InvalidRequestException Unknown() => new("after", "'after' is the id of the last one that was read.");

    /// <summary>A page from one row more than was asked for.</summary>
    public static Page<T> Page<T>(this List<T> rows, int limit) =>
        new(rows.Count > limit ? rows[..limit] : rows, rows.Count > limit);
}

/// <summary>The days that sums are asked for.</summary>
static class Days
{
    const int Ordinary = 30;
    const int LongestSpan = 400;

    // Nothing is older, and the days before it can still be counted.
    static readonly DateOnly First = new(2000, 1, 1);

    public static (DateOnly From, DateOnly To) Span(HttpContext http, DateTimeOffset now)
    {
        var to = Day(http, "to") ?? DateOnly.FromDateTime(now.UtcDateTime);
        var from = Day(http, "from") ?? to.AddDays(1 - Ordinary);
        return from <= to && to.DayNumber - from.DayNumber <= LongestSpan
            ? (from, to)
            : throw new InvalidRequestException("from", $"'from' is a day before 'to', by at most {LongestSpan} days.");
    }

    // A day, or the day of a time.
    static DateOnly? Day(HttpContext http, string name)
    {
        if (!http.Request.Query.TryGetValue(name, out var given)) return null;
        if (!DateOnly.TryParseExact(given, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            && DateTimeOffset.TryParseExact(
                given, "yyyy-MM-dd'T'HH:mm:ssK", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            day = DateOnly.FromDateTime(time.UtcDateTime);
        }

        return day >= First ? day : throw new InvalidRequestException(name, $"'{name}' is a day such as 2026-11-20, from 2000-01-01 on.");
    }

    public static string Text(this DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}

static class Requests
{
    const int LongestKey = 255;

    /// <summary>The Idempotency-Key of a request, if it has one.</summary>
    public static string? IdempotencyKey(this HttpContext http)
    {
        if (!http.Request.Headers.TryGetValue("Idempotency-Key", out var given)) return null;

        return given is [{ Length: >= 1 and <= LongestKey } key] && key.All(c => c is >= ' ' and <= '~')
            ? key
            : throw new InvalidRequestException("Idempotency-Key", $"Idempotency-Key is 1 to {LongestKey} printable ASCII characters.");
    }

    /// <summary>A text of a request: absent, or short enough to keep.</summary>
    public static string? Short(this string? text, string param, int most) =>
        text is null || text.Length <= most
            ? text
            : throw new InvalidRequestException(param, $"'{param}' has at most {most} characters.");

    /// <summary>A text to look for; null where there is none in the query.</summary>
    public static string? Sought(this HttpContext http, string param)
    {
        if (!http.Request.Query.TryGetValue(param, out var given)) return null;

        return given is [{ } text] && !text.Contains('\0', StringComparison.Ordinal)
            ? text
            : throw new InvalidRequestException(param, $"'{param}' is given once, without U+0000.");
    }

    public static T Needed<T>(this T? value, string param) where T : struct =>
        value ?? throw new InvalidRequestException(param, $"'{param}' is required.", "missing_member");

    public static string Needed(this string? value, string param) =>
        string.IsNullOrEmpty(value)
            ? throw new InvalidRequestException(param, $"'{param}' is required.", "missing_member")
            : value;
}
