namespace Purser.Sandbox.Stripe.Wire;

/// <summary>One value of a form as sent: a text, or named parts in the order they came.</summary>
sealed class FormNode
{
    public string? Value { get; set; }
    public Dictionary<string, FormNode> Parts { get; } = [];
    public bool IsText => Parts.Count == 0;

    public FormNode Part(string name)
    {
        if (!Parts.TryGetValue(name, out var part)) Parts[name] = part = new();
        return part;
    }
}

/// <summary>
/// Stripe's form encoding: <c>a[b][c]=v</c> nests, <c>a[]=v</c> and <c>a[0]=v</c> are arrays. In <c>a[][x]</c> a new
/// element begins when the last one already has an x.
/// </summary>
static class FormEncoding
{
    const int PartsMax = 5_000;

    public static FormNode Parse(params ReadOnlySpan<string> encoded)
    {
        var root = new FormNode();
        var count = 0;
        foreach (var text in encoded)
        {
            foreach (var pair in text.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
            {
                if (++count > PartsMax) throw StripeError.Invalid("Too many parameters.");
                var equals = pair.IndexOf('=', StringComparison.Ordinal);
                var name = Decode(equals < 0 ? pair : pair[..equals]);
                Put(root, name, equals < 0 ? "" : Decode(pair[(equals + 1)..]));
            }
        }
        return root;
    }

    static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));

    static void Put(FormNode root, string name, string value)
    {
        var path = Path(name);
        var node = root.Part(path[0]);
        for (var i = 1; i < path.Count; i++)
        {
            node = path[i].Length > 0 ? node.Part(path[i]) : Element(node, i + 1 < path.Count ? path[i + 1] : null);
        }
        node.Value = value;
    }

    static FormNode Element(FormNode array, string? next)
    {
        var last = array.Parts.Count - 1;
        var continues = next is { Length: > 0 } && last >= 0 &&
            array.Parts.TryGetValue(last.ToString(CultureInfo.InvariantCulture), out var open) &&
                !open.Parts.ContainsKey(next);
        return array.Part((continues ? last : last + 1).ToString(CultureInfo.InvariantCulture));
    }

    static List<string> Path(string name)
    {
        var open = name.IndexOf('[', StringComparison.Ordinal);
        if (open <= 0 || !name.EndsWith(']')) return [name];
        List<string> path = [name[..open]];
        path.AddRange(name[(open + 1)..^1].Split("]["));
        return path;
    }
}
