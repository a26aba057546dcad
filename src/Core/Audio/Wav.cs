namespace Purser.Core.Audio;

/// <summary>Uncompressed sound: its bytes divided by those of a second.</summary>
static class Wav
{
    const int Header = 12;
    const int ChunkHeader = 8;

    // What programs write that do not know the size yet; decoders then read up to the end.
    const ulong Unknown = uint.MaxValue;

    public static SoundLength Length(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> format = [];
        var (data, behind) = (0UL, 0UL);
        for (long at = Header; at + ChunkHeader <= file.Length;)
        {
            var chunk = file.From(at);
            var size = chunk.Little(4, 4);
            var content = chunk.Part(ChunkHeader, size is 0 or Unknown && chunk.Has(0, "data"u8) ? ulong.MaxValue : size);
            if (chunk.Has(0, "fmt "u8)) format = content;
            if (chunk.Has(0, "data"u8))
            {
                data += (ulong)content.Length;
                if (behind == 0) behind = (ulong)(chunk.Length - ChunkHeader);
            }

            // Chunks begin at even places.
            at += ChunkHeader + content.Length + (content.Length & 1);
        }

        var (frame, rate) = (FrameBytes(format), format.Little(4, 4));
        return frame == 0 || rate == 0 || data == 0
            ? SoundLength.OfBytes(file.Length)
            : SoundLength.Counted(SoundLength.Time(data / frame, rate), SoundLength.Time((behind - data) / frame, rate));
    }

    // Of compressed sound in this container nothing follows from the number of its bytes.
    static ulong FrameBytes(ReadOnlySpan<byte> format)
    {
        const ulong Extensible = 0xfffe;
        var kind = format.Little(0, 2);
        if (kind == Extensible) kind = format.Little(24, 2);
        // PCM, floating point, A-law, µ-law.
        if (kind is not (1 or 3 or 6 or 7)) return 0;

        // The same thing twice; where the two disagree, the smaller makes the longer sound.
        var (frame, counted) = (format.Little(12, 2), format.Little(2, 2) * ((format.Little(14, 2) + 7) / 8));
        return Math.Min(frame, counted);
    }
}
