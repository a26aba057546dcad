using FsCheck;
using FsCheck.Fluent;
using Purser.Core.Audio;

namespace Purser.Core.Tests.Audio;

/// <summary>What holds for every file that somebody may send.</summary>
public sealed class SoundLengthPropertyTests
{
    static readonly byte[] Packet = [0x08, 1, 2, 3];

    static readonly byte[][] Files =
    [
        SoundFiles.Wav(400),
        SoundFiles.Flac(20, stated: 81_920),
        [.. SoundFiles.Id3(50), .. SoundFiles.Mp3(5)],
        SoundFiles.Opus(20_000, Packet, Packet, Packet),
        SoundFiles.Vorbis(2_000, packets: 5),
        SoundFiles.M4a(430, stated: 10_000, SoundFiles.Fragment(track: 1, frames: 9)),
        SoundFiles.WebM(60, SoundFiles.WebMTrack("A_OPUS"), SoundFiles.Cluster(Packet, Packet), SoundFiles.OpenCluster(Packet)),
    ];

    static readonly Gen<byte[]> Damaged =
        from file in Gen.Elements(Files)
        from places in Gen.Choose(0, 100_000).ArrayOf(6)
        from values in Gen.Elements<byte>(0, 1, 0x7f, 0x80, 0xfe, 0xff).ArrayOf(6)
        from length in Gen.Choose(0, 200_000)
        select Damage(file, places, values)[..Math.Min(length, file.Length)];

    [Fact]
    public void A_damaged_file_has_a_length_or_none_and_never_throws() => Prop.ForAll(
        Damaged.ToArbitrary(),
        file => SoundLength.Of(file) is not { } length
            || (length.Most >= TimeSpan.Zero && length.Most >= (length.Exact ?? TimeSpan.Zero))).QuickCheckThrowOnFailure();

    [Fact]
    public void A_file_cut_off_anywhere_is_read_to_where_it_ends()
    {
        foreach (var file in Files)
        {
            for (var length = 0; length < file.Length; length++)
                Assert.False(SoundLength.Of(file.AsSpan(0, length)) is { } cut && cut.Most < TimeSpan.Zero);
        }
    }

    [Fact]
    public void Twice_the_frames_are_never_held_for_less()
    {
        Assert.All([1, 2, 4, 8, 16], frames =>
        {
            Assert.True(Most(SoundFiles.Flac(2 * frames, 1)) >= 2 * Most(SoundFiles.Flac(frames, 1)) - TimeSpan.FromTicks(2));
            Assert.True(Most(SoundFiles.Mp3(2 * frames)) >= 2 * Most(SoundFiles.Mp3(frames)) - TimeSpan.FromTicks(2));
        });
    }

    static TimeSpan Most(byte[] file) => SoundLength.Of(file)!.Value.Most;

    static byte[] Damage(byte[] file, int[] places, byte[] values)
    {
        var damaged = file.ToArray();
        for (var i = 0; i < places.Length; i++) damaged[places[i] % file.Length] = values[i];
        return damaged;
    }
}
