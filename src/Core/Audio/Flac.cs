namespace Purser.Core.Audio;

/// <summary>
/// FLAC: the samples of all its frames. Their sizes are not stated, but each begins with a header that carries a checksum;
/// one byte in fifty million looks like a header by chance and adds a tenth of a second.
/// </summary>
static class Flac
{
    const int StreamInfo = 8;
    const int StreamInfoEnd = 42;
    const int ShortestHeader = 6;

    // Zero is the rate of the whole file.
    static ReadOnlySpan<ulong> Rates =>
        [0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];

    public static SoundLength Length(ReadOnlySpan<byte> file)
    {
        // Twenty bits of rate, three of channels, five of sample size, thirty-six of samples.
        var packed = file.Big(StreamInfo + 10, 8);
        var (rate, stated) = (packed >> 44, packed & 0xf_ffff_ffff);
        var (samples, slowest) = (0UL, rate);
        for (var at = StreamInfoEnd; at + ShortestHeader <= file.Length; at++)
        {
            var next = file[at..].IndexOf((byte)0xff);
            if (next < 0) break;

            at += next;
            if (!TryReadHeader(file[at..], out var size, out var ownRate)) continue;
            samples += size;
            if (ownRate != 0 && ownRate < slowest) slowest = ownRate;
        }

        if (samples == 0 || rate == 0) return SoundLength.OfBytes(file.Length);
        var counted = SoundLength.Time(samples, slowest);
        return new(counted, SoundLength.Max(counted, SoundLength.Time(stated, slowest)));
    }

    static bool TryReadHeader(ReadOnlySpan<byte> frame, out ulong samples, out ulong rate)
    {
        (samples, rate) = (0, 0);
        var header = frame.Big(0, 4);
        var (sizeCode, rateCode) = ((int)(header >> 12) & 15, (int)(header >> 8) & 15);
        var (channels, bits) = ((int)(header >> 4) & 15, (int)(header >> 1) & 7);
        if (header >> 17 != 0xfff8 >> 1 || sizeCode == 0 || rateCode == 15) return false;
        if (channels > 10 || bits is 3 || (header & 1) != 0) return false;

        var number = NumberLength(frame.Part(4, 1));
        if (number == 0) return false;
        var sizeAt = 4 + number;
        var rateAt = sizeAt + sizeCode switch { 6 => 1, 7 => 2, _ => 0 };
        var end = rateAt + rateCode switch { 12 => 1, 13 or 14 => 2, _ => 0 };
        if (end >= frame.Length || Checksum(frame[..end]) != frame[end]) return false;

        samples = sizeCode switch
        {
            1 => 192,
            < 6 => 576UL << (sizeCode - 2),
            6 => frame.Big(sizeAt, 1) + 1,
            7 => frame.Big(sizeAt, 2) + 1,
            _ => 256UL << (sizeCode - 8),
        };
        rate = rateCode switch
        {
            12 => frame.Big(rateAt, 1) * 1000,
            13 => frame.Big(rateAt, 2),
            14 => frame.Big(rateAt, 2) * 10,
            _ => Rates[rateCode],
        };
        return true;
    }

    // The number of the frame, coded like a character of UTF-8, of which there may be seven bytes here.
    static int NumberLength(ReadOnlySpan<byte> first) => first.Big(0, 1) switch
    {
        < 0x80 => 1,
        < 0xc0 => 0,
        < 0xe0 => 2,
        < 0xf0 => 3,
        < 0xf8 => 4,
        < 0xfc => 5,
        < 0xfe => 6,
        0xfe => 7,
        _ => 0,
    };

    static byte Checksum(ReadOnlySpan<byte> header)
    {
        var checksum = 0;
        foreach (var value in header)
        {
            checksum ^= value;
            for (var bit = 0; bit < 8; bit++) checksum = ((checksum << 1) ^ ((checksum & 0x80) != 0 ? 0x107 : 0)) & 0xff;
        }

        return (byte)checksum;
    }
}
