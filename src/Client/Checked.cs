using System.Runtime.CompilerServices;

namespace Purser.Client;

/// <summary>What can be seen to be wrong before anything is sent.</summary>
static class Checked
{
    const int CreditDecimals = 6;
    const int LongestKey = 255;

    /// <summary>The amount with no more digits than the wire has; one that needs more is refused, never rounded.</summary>
    public static decimal Credits(decimal amount, [CallerMemberName] string? name = null)
    {
        var exact = decimal.Round(amount, CreditDecimals);
        return exact == amount
            ? exact
            : throw new ArgumentException($"{amount} has more than six decimals; credits end at the millionth.", name);
    }

    /// <inheritdoc cref="Credits(decimal, string?)"/>
    public static decimal? Credits(decimal? amount, [CallerMemberName] string? name = null) =>
        amount is { } some ? Credits(some, name) : null;

    // Headers lose spaces at their ends and cannot carry other alphabets: such a key would arrive as another.
    public static string IdempotencyKey(string key) =>
        key.Length is >= 1 and <= LongestKey && key[0] != ' ' && key[^1] != ' '
            && !key.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? key
            : throw new ArgumentException(
                "An idempotency key is 1 to 255 printable ASCII characters, without spaces at its ends.", nameof(key));

    /// <summary>An id as one segment of a path. Dots alone would walk up the path instead of naming something.</summary>
    public static string Segment(string id, [CallerArgumentExpression(nameof(id))] string? name = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id, name);
        return id is "." or ".."
            ? throw new ArgumentException($"'{id}' is not an id.", name)
            : Uri.EscapeDataString(id);
    }

    public static bool IsToken(this ReadOnlySpan<char> text) =>
        text.Length > 0 && !text.ContainsAnyExceptInRange('!', '~');
}

/// <summary>Where a list starts, and how many rows it asks for at a time.</summary>
readonly record struct Paging
{
    const int LargestPage = 500;

    public Paging(string? after, int pageSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pageSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pageSize, LargestPage);
        After = after;
        PageSize = pageSize;
    }

    public static Paging Largest => new(null, LargestPage);

    public string? After { get; }

    public int PageSize { get; }
}
