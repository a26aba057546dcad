using System.Globalization;
using System.Text;

namespace Purser.Server.Payments.Stripe;

/// <summary>
/// What a call says, in the bracketed names that Stripe reads: <c>line_items[0][price]</c>. A value that is null is left
/// out; an empty text unsets what is there.
/// </summary>
sealed class StripeForm : System.Collections.IEnumerable
{
    readonly List<KeyValuePair<string, string>> members = [];

    public bool IsEmpty => members.Count == 0;

    public void Add(string name, string? value)
    {
        if (value is not null) members.Add(new(name, value));
    }

    public void Add(string name, long? value) => Add(name, value?.ToString(CultureInfo.InvariantCulture));

    public void Add(string name, bool? value) => Add(name, value is null ? null : value.Value ? "true" : "false");

    public void Add(string name, DateTimeOffset? value) => Add(name, value?.ToUnixTimeSeconds());

    /// <summary>A member of its own for each of several texts: <c>metadata[a]</c>, <c>metadata[b]</c>.</summary>
    public void Add(string name, IEnumerable<KeyValuePair<string, string>> values)
    {
        foreach (var (key, value) in values) Add($"{name}[{key}]", value);
    }

    public System.Collections.IEnumerator GetEnumerator() => members.GetEnumerator();

    /// <summary>Spaces as %20, as Stripe's own libraries write them; brackets may stay.</summary>
    public string Encode()
    {
        var text = new StringBuilder();
        foreach (var (name, value) in members)
        {
            if (text.Length > 0) text.Append('&');
            text.Append(Escape(name)).Append('=').Append(Uri.EscapeDataString(value));
        }

        return text.ToString();
    }

    static string Escape(string name) => Uri.EscapeDataString(name)
        .Replace("%5B", "[", StringComparison.Ordinal)
        .Replace("%5D", "]", StringComparison.Ordinal);
}
