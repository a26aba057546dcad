namespace Purser.Core.Audio;

/// <summary>How long a sound is, found out before it is sent to a provider who charges by its length.</summary>
/// <remarks>
/// Files state their length in a header, and anybody can write a header. So the length is counted: from the samples, frames or
/// packets that are in the file, which is what a decoder makes sound of. What is stated can only raise
/// <see cref="Most"/>, and never lower anything.
/// </remarks>
/// <param name="Exact">
/// What a decoder makes of the file, to a small part of a second; nothing where that was not to be found out.
/// </param>
/// <param name="Most">What the length does not exceed. To be held before the length is known.</param>
public readonly record struct SoundLength(TimeSpan? Exact, TimeSpan Most)
{
    // Speech is coded in no less: AMR, Opus and Speex begin at 4 to 6 kilobits. Silence may take less, but few bytes in all.
    const int FewestBytesPerSecond = 500;

    /// <summary>The length of a file, or nothing where it is of no kind that is known here.</summary>
    public static SoundLength? Of(ReadOnlySpan<byte> file)
    {
        if (file.Has(0, "RIFF"u8) || file.Has(0, "RF64"u8)) return file.Has(8, "WAVE"u8) ? Wav.Length(file) : null;
        if (file.Has(0, "OggS"u8)) return Ogg.Length(file);
        if (file.Has(4, "ftyp"u8)) return Mp4.Length(file);
        if (file.Has(0, [0x1a, 0x45, 0xdf, 0xa3])) return WebM.Length(file);

        var tags = Mp3.TagsLength(file);
        if (file.Has(tags, "fLaC"u8)) return Flac.Length(file.From(tags));
        return Mp3.Length(file.From(tags));
    }

    /// <summary>Of so many bytes nothing is known but their number.</summary>
    public static SoundLength OfBytes(long bytes) => new(null, Bytes(bytes));

    /// <summary>
    /// Of a length that was counted in a part of the file, and what the rest of it may hold at most. Where that is a tenth or
    /// more, it is no tag or trailer, and the length is not known.
    /// </summary>
    internal static SoundLength Counted(TimeSpan counted, TimeSpan beside) =>
        new(beside < counted / 10 ? counted : null, counted + beside);

    internal static TimeSpan Bytes(long bytes) => Time((ulong)bytes, FewestBytesPerSecond);

    /// <summary>So many samples, rounded up; a century if it is more or if the rate is none.</summary>
    internal static TimeSpan Time(UInt128 samples, ulong perSecond)
    {
        var longest = TimeSpan.FromDays(36_525);
        if (perSecond == 0) return samples == 0 ? TimeSpan.Zero : longest;

        var ticks = ((samples * TimeSpan.TicksPerSecond) + perSecond - 1) / perSecond;
        return ticks > (ulong)longest.Ticks ? longest : TimeSpan.FromTicks((long)ticks);
    }

    internal static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
