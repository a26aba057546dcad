namespace Purser.Core.Gateway;

/// <summary>How long a sound is, in seconds as they are billed: a begun one counts.</summary>
/// <param name="ExactSeconds">Where it can be counted.</param>
/// <param name="MostSeconds">At most, whatever it says of itself.</param>
public readonly record struct SoundLength(long? ExactSeconds, long MostSeconds)
{
    public static SoundLength Of(CallRequest request, ReadOnlySpan<byte> body)
    {
        if (request.Sound is not { } at) return default;

        var length = Audio.SoundLength.Of(body.Slice(at.From, at.Length)) ?? Audio.SoundLength.OfBytes(at.Length);
        return new(length.Exact is { } exact ? Begun(exact) : null, Begun(length.Most));
    }

    static long Begun(TimeSpan length) => (length.Ticks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond;
}
