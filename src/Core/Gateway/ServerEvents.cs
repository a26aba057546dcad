namespace Purser.Core.Gateway;

/// <summary>Server-sent events as they stand in a buffer.</summary>
public static class ServerEvents
{
    /// <summary>The bytes of the first event, its empty line included; 0 where the buffer does not hold all of it yet.</summary>
    /// <param name="data">What its data lines say.</param>
    public static int First(ReadOnlySpan<byte> buffer, out ReadOnlySpan<byte> data)
    {
        data = default;
        var lines = 0;
        for (var at = 0; ;)
        {
            var length = buffer[at..].IndexOf((byte)'\n');
            if (length < 0) return 0;

            var line = buffer.Slice(at, length).TrimEnd((byte)'\r');
            at += length + 1;
            if (line.IsEmpty) return at;
            if (!line.StartsWith("data:"u8)) continue;

            var value = line[5..].TrimStart((byte)' ');
            data = lines++ == 0 ? value : (byte[])[.. data, (byte)'\n', .. value];
        }
    }
}
