namespace Purser.Core.Audio;

/// <summary>
/// MPEG audio: the samples of all its frames, walked one after the other. Indexes that encoders put in front (Xing, VBRI) say
/// the same in honest files and are not asked.
/// </summary>
static class Mp3
{
    const int TagHeader = 10;
    const int FrameHeader = 4;

    // Between the tags and the first frame some programs leave room.
    const int LongestGap = 4096;

    // In kilobits, by the code in the header; zero and fifteen mean nothing that could be walked.
    static ReadOnlySpan<int> Layer1Of1 => [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0];
    static ReadOnlySpan<int> Layer2Of1 => [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0];
    static ReadOnlySpan<int> Layer3Of1 => [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0];
    static ReadOnlySpan<int> Layer1Of2 => [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0];
    static ReadOnlySpan<int> Layers2And3Of2 => [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0];

    /// <summary>What stands in front of a sound: ID3 tags, whose size has seven bits in a byte.</summary>
    public static int TagsLength(ReadOnlySpan<byte> file)
    {
        long length = 0;
        for (var tag = file; tag.Has(0, "ID3"u8); tag = file.From(length))
        {
            var size = (tag.Big(6, 1) << 21) | (tag.Big(7, 1) << 14) | (tag.Big(8, 1) << 7) | tag.Big(9, 1);
            var footer = (tag.Big(5, 1) & 0x10) == 0 ? 0 : TagHeader;
            length += TagHeader + (long)size + footer;
        }

        return (int)Math.Min(length, file.Length);
    }

    public static SoundLength? Length(ReadOnlySpan<byte> sound)
    {
        if (Start(sound, out var first) is not { } start) return null;

        var (samples, strange) = (0UL, 0L);
        for (var at = start; at < sound.Length;)
        {
            if (TryRead(sound[at..], out var frame) && frame.Alike(first))
            {
                samples += (ulong)frame.Samples;
                at += Math.Min(frame.Bytes, sound.Length - at);
                continue;
            }

            // Tags behind the sound, or something in between over which a decoder would look for the next frame as well.
            var next = Next(sound, at + 1);
            strange += next - at;
            at = next;
        }

        return SoundLength.Counted(SoundLength.Time(samples, (ulong)first.Rate), SoundLength.Bytes(strange));
    }

    // A header has few bits that must be as they are; a second one just where the first says makes it one.
    static int? Start(ReadOnlySpan<byte> sound, out Frame first)
    {
        for (var at = 0; at < Math.Min(sound.Length, LongestGap); at = Next(sound, at + 1))
        {
            if (!TryRead(sound[at..], out first)) continue;
            var rest = sound.From(at + first.Bytes);
            if (rest.IsEmpty ? at == 0 : TryRead(rest, out var second) && second.Alike(first)) return at;
        }

        first = default;
        return null;
    }

    static int Next(ReadOnlySpan<byte> sound, int at) =>
        sound.From(at).IndexOf((byte)0xff) is >= 0 and var next ? at + next : sound.Length;

    static bool TryRead(ReadOnlySpan<byte> bytes, out Frame frame)
    {
        frame = default;
        var header = (uint)bytes.Big(0, 4);
        var (version, layer) = ((int)(header >> 19) & 3, 4 - ((int)(header >> 17) & 3));
        var (bits, rate) = ((int)(header >> 12) & 15, (int)(header >> 10) & 3);
        // The codes of layer and version that are in no use.
        if (bytes.Length < FrameHeader || header >> 21 != 0x7ff || layer == 4 || version == 1 || rate == 3) return false;

        var kilobits = (version == 3, layer) switch
        {
            (true, 1) => Layer1Of1[bits],
            (true, 2) => Layer2Of1[bits],
            (true, _) => Layer3Of1[bits],
            (false, 1) => Layer1Of2[bits],
            (false, _) => Layers2And3Of2[bits],
        };
        if (kilobits == 0) return false;

        ReadOnlySpan<int> rates = [44_100, 48_000, 32_000];
        // The rates of version 2 are half of those of version 1, and those of "2.5" half of that.
        var hertz = rates[rate] >> version switch { 3 => 0, 2 => 1, _ => 2 };
        var samples = layer switch { 1 => 384, 3 when version != 3 => 576, _ => 1152 };
        var padding = (int)(header >> 9) & 1;
        var size = layer == 1 ? ((12_000 * kilobits / hertz) + padding) * 4 : (samples * 125 * kilobits / hertz) + padding;
        frame = new(version, layer, hertz, samples, size);
        return true;
    }

    readonly record struct Frame(int Version, int Layer, int Rate, int Samples, int Bytes)
    {
        public bool Alike(Frame other) => (Version, Layer, Rate) == (other.Version, other.Layer, other.Rate);
    }
}
