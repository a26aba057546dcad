using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Purser.Server.Platform;

/// <summary>What Redis answers to one command, in its protocol's version 2, which every Redis speaks.</summary>
abstract record RedisReply
{
    const int Deepest = 8;
    const int Longest = 1 << 20;

    RedisReply() { }

    public sealed record Text(string Value) : RedisReply;

    public sealed record Number(long Value) : RedisReply;

    public sealed record Many(RedisReply[] Values) : RedisReply;

    public sealed record Nothing : RedisReply;

    /// <summary>Its first word says which: NOSCRIPT, READONLY, WRONGPASS, …</summary>
    public sealed record Error(string Message) : RedisReply
    {
        public bool Is(string word) => Message.StartsWith(word, StringComparison.Ordinal);
    }

    /// <summary>Takes one reply off the front; null where it is not all there yet.</summary>
    public static RedisReply? Take(ref ReadOnlySequence<byte> received)
    {
        var reader = new SequenceReader<byte>(received);
        if (Read(ref reader, Deepest) is not { } reply) return null;

        received = received.Slice(reader.Position);
        return reply;
    }

    static RedisReply? Read(ref SequenceReader<byte> reader, int deepest)
    {
        if (!reader.TryReadTo(out ReadOnlySequence<byte> line, "\r\n"u8)) return null;

        var rest = line.IsEmpty ? throw Strange() : line.Slice(1);
        return line.FirstSpan[0] switch
        {
            (byte)'+' => new Text(Encoding.UTF8.GetString(rest)),
            (byte)'-' => new Error(Encoding.UTF8.GetString(rest)),
            (byte)':' => new Number(Whole(rest)),
            (byte)'$' => ReadText(ref reader, Whole(rest)),
            (byte)'*' when deepest > 0 => ReadMany(ref reader, Whole(rest), deepest - 1),
            _ => throw Strange(),
        };
    }

    static RedisReply? ReadText(ref SequenceReader<byte> reader, long length)
    {
        if (length == -1) return new Nothing();
        if (length is < 0 or > Longest) throw Strange();
        if (reader.Remaining < length + 2) return null;

        var text = Encoding.UTF8.GetString(reader.UnreadSequence.Slice(0, length));
        reader.Advance(length);
        return reader.IsNext("\r\n"u8, advancePast: true) ? new Text(text) : throw Strange();
    }

    static RedisReply? ReadMany(ref SequenceReader<byte> reader, long count, int deepest)
    {
        if (count == -1) return new Nothing();
        if (count is < 0 or > Longest) throw Strange();

        var values = new List<RedisReply>();
        while (values.Count < count)
        {
            if (Read(ref reader, deepest) is not { } value) return null;
            values.Add(value);
        }

        return new Many([.. values]);
    }

    static long Whole(ReadOnlySequence<byte> digits)
    {
        Span<byte> copy = stackalloc byte[20];
        if (digits.Length > copy.Length) throw Strange();

        digits.CopyTo(copy);
        return Utf8Parser.TryParse(copy[..(int)digits.Length], out long number, out var read) && read == digits.Length
            ? number
            : throw Strange();
    }

    static InvalidDataException Strange() => new("what answers there does not speak as Redis does");
}
