using System.Text;

namespace Purser.Core.Gateway;

/// <summary>One part of a multipart form, and where its content stands in the body.</summary>
public sealed record FormPart(string Name, bool IsFile, Slice At);

/// <summary>Reads multipart/form-data where it stands, without taking anything out of it.</summary>
public static class FormReader
{
    const int MostParts = 100;

    /// <summary>Null where the body is none, has no end, or has a part without a name that is clear.</summary>
    public static IReadOnlyList<FormPart>? Read(ReadOnlySpan<byte> body, string? contentType)
    {
        if (Boundary(contentType) is not { } boundary) return null;

        var parts = new List<FormPart>();
        var delimiter = Encoding.ASCII.GetBytes($"--{boundary}");
        var at = body.IndexOf(delimiter);
        while (at >= 0 && parts.Count <= MostParts)
        {
            at += delimiter.Length;
            if (body[at..].StartsWith("--"u8)) return parts;
            if (!body[at..].StartsWith("\r\n"u8)) return null;

            at += 2;
            var headers = body[at..].IndexOf("\r\n\r\n"u8);
            if (headers < 0) return null;

            var content = at + headers + 4;
            var length = body[content..].IndexOf((byte[])[.. "\r\n"u8, .. delimiter]);
            if (length < 0) return null;

            // What we would leave out, the provider might read.
            if (Part(body.Slice(at, headers), new(content, length)) is not { } part) return null;

            parts.Add(part);
            at = content + length + 2;
        }

        return null;
    }

    // Null where it has not one name that everybody would read alike.
    static FormPart? Part(ReadOnlySpan<byte> headers, Slice at)
    {
        var lines = Encoding.UTF8.GetString(headers).Split("\r\n");
        var described = lines.Where(line => line.StartsWith("content-disposition", StringComparison.OrdinalIgnoreCase)).ToArray();
        if (described is not [var line] || lines.Any(IsBroken) || Pieces(line).Any(IsEncodedName)) return null;

        return Attribute(line, "name") is { } name ? new(name, Attribute(line, "filename") is not null, at) : null;
    }

    // A line that goes on in the next one, or ends where only some see an end.
    static bool IsBroken(string line) => line.StartsWith(' ') || line.StartsWith('\t') || line.AsSpan().ContainsAny('\r', '\n');

    static bool IsEncodedName(string piece) => piece.AsSpan().TrimStart().StartsWith("name*", StringComparison.OrdinalIgnoreCase);

    static string? Boundary(string? contentType) =>
        contentType is not null && contentType.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            ? Attribute(contentType, "boundary")
            : null;

    // What stands in quotes is no attribute, however much it looks like one. Of two by one name, neither counts.
    static string? Attribute(string header, string name)
    {
        string? found = null;
        var times = 0;
        foreach (var piece in Pieces(header).Skip(1))
        {
            var equals = piece.IndexOf('=');
            if (equals < 0 || !piece.AsSpan(0, equals).Trim().Equals(name, StringComparison.OrdinalIgnoreCase)) continue;

            found = piece[(equals + 1)..].Trim().Trim('"');
            times++;
        }

        return times == 1 ? found : null;
    }

    static IEnumerable<string> Pieces(string header)
    {
        var quoted = false;
        var from = 0;
        for (var at = 0; at < header.Length; at++)
        {
            if (header[at] == '"' && (at == 0 || header[at - 1] != '\\')) quoted = !quoted;
            if (header[at] != ';' || quoted) continue;

            yield return header[from..at];
            from = at + 1;
        }

        yield return header[from..];
    }
}
