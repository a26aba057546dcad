using System.Text;

namespace Purser.Core.Gateway;

/// <summary>One part of a multipart form, and where its content stands in the body.</summary>
public sealed record FormPart(string Name, bool IsFile, Slice At);

/// <summary>Reads multipart/form-data where it stands, without taking anything out of it.</summary>
public static class FormReader
{
    const int MostParts = 100;

    /// <summary>Null where the body is none, or has no end.</summary>
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

            if (Part(body.Slice(at, headers), new(content, length)) is { } part) parts.Add(part);
            at = content + length + 2;
        }

        return null;
    }

    static FormPart? Part(ReadOnlySpan<byte> headers, Slice at)
    {
        foreach (var line in Encoding.UTF8.GetString(headers).Split("\r\n"))
        {
            if (!line.StartsWith("content-disposition:", StringComparison.OrdinalIgnoreCase)) continue;
            if (Attribute(line, "name") is { } name) return new(name, Attribute(line, "filename") is not null, at);
        }

        return null;
    }

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
