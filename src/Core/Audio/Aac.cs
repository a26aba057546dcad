namespace Purser.Core.Audio;

/// <summary>The rate of AAC in an MP4, as its decoder is told it.</summary>
static class Aac
{
    const int Stream = 3;
    const int Decoder = 4;
    const int Specific = 5;

    static ReadOnlySpan<ulong> Rates =>
        [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

    /// <summary>Zero, where the track holds something else.</summary>
    public static ulong Rate(ReadOnlySpan<byte> sampleDescription)
    {
        var at = sampleDescription.IndexOf("esds"u8);
        if (at < 0) return 0;

        // Four bytes of version and flags, then descriptors within descriptors.
        var stream = Descriptor(sampleDescription.From(at + 8), Stream);
        var flags = stream.Big(2, 1);
        var optional = ((flags & 0x80) != 0 ? 2 : 0) + ((flags & 0x40) != 0 ? 1 + (int)stream.Big(3, 1) : 0)
            + ((flags & 0x20) != 0 ? 2 : 0);
        var decoder = Descriptor(stream.From(3 + optional), Decoder);
        // MPEG-4 audio, and the AAC of MPEG-2.
        return decoder.Big(0, 1) is 0x40 or 0x66 or 0x67 or 0x68 ? SpecificRate(Descriptor(decoder.From(13), Specific)) : 0;
    }

    static ReadOnlySpan<byte> Descriptor(ReadOnlySpan<byte> bytes, ulong tag)
    {
        if (bytes.Big(0, 1) != tag) return [];

        var (length, at) = (0UL, 1);
        for (var more = true; more && at <= 4; at++)
        {
            var digits = bytes.Big(at, 1);
            length = (length << 7) | (digits & 0x7f);
            more = digits >= 0x80;
        }

        return bytes.Part(at, length);
    }

    static ulong SpecificRate(ReadOnlySpan<byte> specific)
    {
        const int Escape = 31;
        var (bits, used) = (specific.Big(0, 8), 5);
        var kind = (int)(bits >> 59);
        if (kind == Escape) (kind, used) = (32 + ((int)(bits >> 53) & 63), 11);
        // All of the family whose frames are of 1,024 samples or fewer.
        if (kind is not (1 or 2 or 3 or 4 or 5 or 17 or 19 or 23 or 29 or 39)) return 0;

        var code = (int)(bits >> (60 - used)) & 15;
        if (code == 15) return (bits >> (36 - used)) & 0xff_ffff;
        return code < Rates.Length ? Rates[code] : 0;
    }
}
