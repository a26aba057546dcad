using Purser.Core.Audio;

namespace Purser.Core.Tests.Audio;

public sealed class SoundLengthTests
{
    // Twenty milliseconds of speech, and three such frames in one packet.
    static readonly byte[] Packet = [0x08, 1, 2, 3];
    static readonly byte[] ThreeInOne = [0x0b, 3, 1, 2];

    static readonly byte[][] Second = [.. Enumerable.Repeat(Packet, 50)];

    [Fact]
    public void Samples_that_are_not_compressed_are_counted_by_their_bytes() =>
        AssertExact(2.5, SoundFiles.Wav(samples: 20_000));

    [Theory]
    [InlineData(0u)]
    [InlineData(uint.MaxValue)]
    public void A_wave_of_unknown_size_goes_to_the_end_of_the_file(uint stated) =>
        AssertExact(2.5, SoundFiles.Wav(20_000, stated: stated));

    [Fact]
    public void A_wave_that_says_it_is_short_is_not_believed()
    {
        AssertBound(2.5, SoundFiles.Wav(20_000, stated: 2));
        AssertExact(2.5, SoundFiles.Wav(20_000, frameBytes: 60_000));
    }

    [Fact]
    public void A_compressed_wave_is_bounded_by_its_bytes() => AssertBound(80.088, SoundFiles.Wav(20_000, kind: 0x55));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void The_frames_of_a_flac_are_counted_whatever_its_header_says(long stated) =>
        AssertExact(100 * 4096 / 44_100.0, SoundFiles.Flac(100, stated));

    [Fact]
    public void A_header_that_claims_more_raises_the_bound_and_nothing_else()
    {
        var length = Length(SoundFiles.Flac(100, stated: 441_000));

        Assert.Equal(100 * 4096 / 44_100.0, Seconds(length.Exact), 0.000_001);
        Assert.Equal(10, Seconds(length.Most));
    }

    [Fact]
    public void The_frames_of_an_mp3_are_counted_behind_its_tags()
    {
        AssertExact(100 * 1152 / 44_100.0, SoundFiles.Mp3(100));
        AssertExact(100 * 1152 / 44_100.0, [.. SoundFiles.Id3(3000), .. SoundFiles.Mp3(100)]);
        AssertExact(100 * 1152 / 44_100.0, [.. SoundFiles.Id3(3000), .. new byte[500], .. SoundFiles.Mp3(100)], within: 1);
    }

    // Version 2 in layer 3, version 2.5 in layer 3, version 1 in layer 2 and layer 1.
    [Theory]
    [InlineData(0xf3, 0x80, 208, 576 / 22_050.0)]
    [InlineData(0xe3, 0x28, 144, 576 / 8_000.0)]
    [InlineData(0xfd, 0x80, 417, 1152 / 44_100.0)]
    [InlineData(0xff, 0x44, 128, 384 / 48_000.0)]
    public void Every_version_and_layer_has_frames_of_its_own_length(byte version, byte bits, int bytes, double seconds) =>
        AssertExact(50 * seconds, [.. Enumerable.Repeat(SoundFiles.Mp3Frame(version, bits, bytes), 50).SelectMany(frame => frame)]);

    [Fact]
    public void Sound_of_another_kind_behind_a_few_frames_is_not_left_out()
    {
        var hidden = Enumerable.Repeat(SoundFiles.Mp3Frame(0xf3, 0x80, 208), 1000).SelectMany(frame => frame);

        var length = Length([.. SoundFiles.Mp3(2), .. hidden]);

        Assert.Null(length.Exact);
        Assert.True(Seconds(length.Most) > 1000 * 576 / 22_050.0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(long.MaxValue)]
    public void The_packets_of_opus_are_counted_whatever_position_they_claim(long position) =>
        AssertExact(1.06, SoundFiles.Opus(position, [.. Second, ThreeInOne]));

    [Theory]
    [InlineData(0x00, 480)]
    [InlineData(0x19, 2880 * 2)]
    [InlineData(0x60, 480)]
    [InlineData(0x68, 960)]
    [InlineData(0x80, 120)]
    [InlineData(0xf8, 960)]
    public void A_packet_of_opus_says_how_much_it_holds(byte first, int samples) =>
        AssertExact(10 * samples / 48_000.0, SoundFiles.Opus(0, [.. Enumerable.Repeat<byte[]>([first], 10)]));

    [Fact]
    public void Pages_within_a_page_are_not_counted_but_bounded_by_their_bytes()
    {
        var file = SoundFiles.Opus(0, Packet, SoundFiles.Opus(0, Second));

        AssertBound(file.Length / 500.0, file);
    }

    [Fact]
    public void A_packet_of_vorbis_holds_half_of_the_longest_block_at_most()
    {
        var length = Length(SoundFiles.Vorbis(position: 40_000, packets: 50));

        Assert.Equal(40_000 / 48_000.0, Seconds(length.Exact), 0.000_001);
        Assert.Equal(50 * 1024 / 48_000.0, Seconds(length.Most), 0.000_001);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(4_800_000)]
    public void A_position_that_the_packets_cannot_reach_or_miss_is_not_believed(long position) =>
        AssertBound(50 * 1024 / 48_000.0, SoundFiles.Vorbis(position, packets: 50));

    [Fact]
    public void What_else_an_ogg_may_hold_is_bounded_by_its_bytes() =>
        AssertBound(0.084, SoundFiles.OggPage(0, [.. "Speex   "u8, .. new byte[6]]));

    [Theory]
    [InlineData(0u)]
    [InlineData(100u)]
    [InlineData(uint.MaxValue)]
    public void The_frames_of_aac_are_counted_whatever_the_movie_claims(uint stated) =>
        AssertExact(430 * 1024 / 44_100.0, SoundFiles.M4a(frames: 430, stated));

    [Fact]
    public void A_movie_that_claims_to_be_long_is_held_for_as_long() =>
        Assert.Equal(60, Seconds(Length(SoundFiles.M4a(430, stated: 60_000)).Most));

    [Fact]
    public void Fragments_of_a_movie_are_counted_by_their_track()
    {
        var film = SoundFiles.M4a(0, 0, SoundFiles.Fragment(track: 1, frames: 300), SoundFiles.Fragment(1, 130), SoundFiles.Fragment(9, 5000));

        AssertExact(430 * 1024 / 44_100.0, film);
    }

    [Fact]
    public void What_else_an_mp4_may_hold_is_bounded_by_its_bytes()
    {
        byte[] lossless = [.. SoundFiles.Box("ftyp", "M4A "u8.ToArray()), .. SoundFiles.Box("moov", SoundFiles.Track(1, "soun", new byte[30], 9))];

        AssertBound(lossless.Length / 500.0, lossless);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1.0)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(-5.0)]
    public void The_packets_of_a_webm_are_counted_whatever_duration_it_claims(double? stated) =>
        AssertExact(2, SoundFiles.WebM(stated, SoundFiles.WebMTrack("A_OPUS"), SoundFiles.Cluster(Second), SoundFiles.Cluster(Second)));

    [Fact]
    public void What_a_browser_records_has_clusters_without_an_end() =>
        AssertExact(3, SoundFiles.WebM(null, SoundFiles.WebMTrack("A_OPUS"), [.. Enumerable.Repeat(SoundFiles.OpenCluster(Second), 3)]));

    [Fact]
    public void Packets_that_are_laced_count_as_the_longest_there_are() =>
        AssertExact(4 * 0.12, SoundFiles.WebM(null, SoundFiles.WebMTrack("A_OPUS"), SoundFiles.Element([0x1f, 0x43, 0xb6, 0x75], SoundFiles.Block([3, 1, 1, 1, 1, 1, 1], flags: 2))));

    [Fact]
    public void A_webm_with_vorbis_is_bounded_by_its_packets()
    {
        byte[][] track = [.. SoundFiles.WebMTrack("A_VORBIS"), SoundFiles.Element([0x63, 0xa2], [2, 30, 10, .. SoundFiles.VorbisHead])];

        AssertBound(50 * 1024 / 48_000.0, SoundFiles.WebM(null, track, SoundFiles.Cluster(Second)));
    }

    [Fact]
    public void A_webm_that_cannot_be_read_on_is_bounded_by_the_rest_of_its_bytes()
    {
        var file = SoundFiles.WebM(null, SoundFiles.WebMTrack("A_OPUS"), SoundFiles.Cluster(Second), new byte[5000]);

        AssertBound(1 + 10, file);
    }

    public static TheoryData<byte[]> Unknown => new()
    {
        Array.Empty<byte>(),
        "Dear diary, today I was quiet."u8.ToArray(),
        new byte[] { 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a },
        new byte[] { 0xff, 0xd8, 0xff, 0xe0, 0, 16 },
        new byte[] { 0xff, 0xfb, 0x90 },
        "RIFF    AVI LIST"u8.ToArray(),
    };

    [Theory]
    [MemberData(nameof(Unknown))]
    public void What_is_no_sound_has_no_length(byte[] file) => Assert.Null(SoundLength.Of(file));

    static void AssertExact(double seconds, byte[] file, double within = 0.000_001)
    {
        var length = Length(file);
        Assert.Equal(seconds, Seconds(length.Exact), 0.000_001);
        Assert.InRange(Seconds(length.Most), seconds - 0.000_001, seconds + within);
    }

    static void AssertBound(double seconds, byte[] file)
    {
        var length = Length(file);
        Assert.Null(length.Exact);
        Assert.Equal(seconds, Seconds(length.Most), 0.001);
    }

    static SoundLength Length(byte[] file) => Assert.NotNull(SoundLength.Of(file));

    static double Seconds(TimeSpan? length) => Assert.NotNull(length).TotalSeconds;
}
