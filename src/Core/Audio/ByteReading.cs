namespace Purser.Core.Audio;

/// <summary>
/// Reading from files that may be cut short or may lie: what is not there reads as zero, and a part that would end beyond the
/// end ends there.
/// </summary>
static class ByteReading
{
    public static bool Has(this ReadOnlySpan<byte> bytes, int at, ReadOnlySpan<byte> text) =>
        bytes.From(at).StartsWith(text);

    public static ReadOnlySpan<byte> From(this ReadOnlySpan<byte> bytes, long at) =>
        at < bytes.Length ? bytes[(int)at..] : [];

    public static ReadOnlySpan<byte> Part(this ReadOnlySpan<byte> bytes, long at, ulong length)
    {
        var rest = bytes.From(at);
        return length < (ulong)rest.Length ? rest[..(int)length] : rest;
    }

    /// <summary>A number of up to eight bytes, the highest first.</summary>
    public static ulong Big(this ReadOnlySpan<byte> bytes, int at, int length)
    {
        var number = 0UL;
        for (var i = at; i < at + length; i++) number = (number << 8) | (i < bytes.Length ? bytes[i] : (byte)0);
        return number;
    }

    /// <summary>A number of up to eight bytes, the lowest first.</summary>
    public static ulong Little(this ReadOnlySpan<byte> bytes, int at, int length)
    {
        var number = 0UL;
        for (var i = at + length - 1; i >= at; i--) number = (number << 8) | (i < bytes.Length ? bytes[i] : (byte)0);
        return number;
    }
}
