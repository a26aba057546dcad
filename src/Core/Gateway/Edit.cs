using System.Globalization;
using System.Text;

namespace Purser.Core.Gateway;

/// <summary>A few bytes of a request that are put in place of others. All else is forwarded as it came.</summary>
public readonly record struct Edit(Slice At, ReadOnlyMemory<byte> Text);

public static class Edits
{
    static readonly byte[] IncludeUsage = "\"include_usage\":true"u8.ToArray();
    static readonly byte[] True = "true"u8.ToArray();

    /// <summary>The name that the provider has for the model.</summary>
    public static Edit? Model(CallRequest request, string name) => request.Model == name
        ? null
        : new(request.ModelAt, Encoding.UTF8.GetBytes(request.Wire == Wire.Transcriptions ? name : $"\"{name}\""));

    /// <summary>A limit where the caller set none.</summary>
    public static Edit Limit(CallRequest request, string member, long tokens) => request.NullMaxOutputAt is { } at
        ? new(at, Encoding.ASCII.GetBytes(tokens.ToString(CultureInfo.InvariantCulture)))
        : new(Front(request), Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\"{member}\":{tokens},")));

    /// <summary>Has a stream end with its usage; null where the caller has asked for that himself.</summary>
    public static Edit? Usage(CallRequest request) => request.StreamOptions switch
    {
        { IncludeUsage: { Value: true } } => null,
        { IncludeUsage: { At: var at } } => new(at, True),
        { IsObject: true } options => 
            new(new(options.At.From + 1, 0), options.IsEmpty ? IncludeUsage : (byte[])[.. IncludeUsage, (byte)',']),
        { } options => new(options.At, (byte[])[(byte)'{', .. IncludeUsage, (byte)'}']),
        null => new(Front(request), (byte[])[.. "\"stream_options\":{"u8, .. IncludeUsage, .. "},"u8]),
    };

    // Behind the brace that opens the body, which has a model: something always follows.
    static Slice Front(CallRequest request) => new(request.Opening, 0);

    /// <summary>In the order in which they stand in the body.</summary>
    public static IReadOnlyList<Edit> InOrder(params ReadOnlySpan<Edit?> edits)
    {
        var given = new List<Edit>(edits.Length);
        foreach (var edit in edits)
            if (edit is { } one) given.Add(one);

        given.Sort(static (a, b) => a.At.From.CompareTo(b.At.From));
        return given;
    }
}
