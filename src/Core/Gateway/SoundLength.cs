namespace Purser.Core.Gateway;

/// <summary>How long a sound is.</summary>
/// <param name="ExactSeconds">Where its format tells.</param>
/// <param name="MostSeconds">At most, whatever it says of itself.</param>
public readonly record struct SoundLength(long? ExactSeconds, long MostSeconds)
{
    const int LeastBytesPerSecond = 500;

    public static SoundLength Of(CallRequest request, ReadOnlySpan<byte> body) => request.Sound is { } at
        ? new(null, (body.Slice(at.From, at.Length).Length / LeastBytesPerSecond) + 1)
        : default;
}
