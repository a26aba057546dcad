using System.Buffers.Binary;
using System.Text;

namespace Purser.Core.Tests.Audio;

/// <summary>Small files of sound, without the sound: headers, frames and packets as they stand in real ones.</summary>
static class SoundFiles
{
    /// <summary>Sixteen bits, one channel.</summary>
    public static byte[] Wav(int samples, int rate = 8000, uint? stated = null, ushort kind = 1, ushort frameBytes = 2) =>
    [
        .. "RIFF"u8, 0, 0, 0, 0, .. "WAVE"u8,
        .. "fmt "u8, .. Little(16, 4), .. Little(kind, 2), .. Little(1, 2), .. Little(rate, 4), .. Little(1, 4),
        .. Little(frameBytes, 2), .. Little(16, 2),
        .. "data"u8, .. Little(stated ?? (uint)(samples * 2), 4), .. new byte[samples * 2],
    ];

    /// <summary>Frames of 4,096 samples at 44,100 a second.</summary>
    public static byte[] Flac(int frames, long stated) =>
    [
        .. "fLaC"u8, 0x80, 0, 0, 34, .. Big(4096, 2), .. Big(4096, 2), .. new byte[6],
        .. Big((44_100L << 44) | (15L << 36) | stated, 8), .. new byte[16],
        .. Enumerable.Range(0, frames).SelectMany(frame => FlacFrame((byte)(frame & 0x7f))),
    ];

    static byte[] FlacFrame(byte number)
    {
        byte[] header = [0xff, 0xf8, 0xc9, 0x08, number];
        return [.. header, Checksum(header), .. new byte[20]];
    }

    /// <summary>Frames of 1,152 samples at 44,100 a second, 128 kilobits.</summary>
    public static byte[] Mp3(int frames) => [.. Enumerable.Repeat(Mp3Frame(0xfb, 0x90, 417), frames).SelectMany(frame => frame)];

    public static byte[] Mp3Frame(byte versionAndLayer, byte bitsAndRate, int length) =>
        [0xff, versionAndLayer, bitsAndRate, 0, .. new byte[length - 4]];

    public static byte[] Id3(int length) =>
        [.. "ID3"u8, 4, 0, 0, (byte)(length >> 21 & 127), (byte)(length >> 14 & 127), (byte)(length >> 7 & 127), (byte)(length & 127), .. new byte[length]];

    public static byte[] Opus(long position, params byte[][] packets) =>
    [
        .. OggPage(0, [.. "OpusHead"u8, .. new byte[11]]),
        .. OggPage(0, [.. "OpusTags"u8, .. new byte[8]]),
        .. packets.SelectMany(packet => OggPage(position, packet)),
    ];

    /// <summary>Blocks of up to 2,048 samples at 48,000 a second.</summary>
    public static byte[] Vorbis(long position, int packets) =>
    [
        .. OggPage(0, VorbisHead), .. OggPage(0, [3, .. "vorbis"u8]), .. OggPage(0, [5, .. "vorbis"u8]),
        .. OggPage(position, [.. Enumerable.Repeat<byte[]>([0], packets)]),
    ];

    public static byte[] VorbisHead => [1, .. "vorbis"u8, .. new byte[4], 1, .. Little(48_000, 4), .. new byte[12], 0xb8, 1];

    public static byte[] OggPage(long position, params byte[][] packets) =>
    [
        .. "OggS"u8, 0, 0, .. Little(position, 8), .. Little(7, 4), .. new byte[8], (byte)packets.Sum(packet => (packet.Length / 255) + 1),
        .. packets.SelectMany(packet => Enumerable.Repeat((byte)255, packet.Length / 255).Append((byte)(packet.Length % 255))),
        .. packets.SelectMany(packet => packet),
    ];

    /// <summary>AAC at 44,100 a second, in frames of 1,024 samples.</summary>
    public static byte[] M4a(int frames, uint stated, params byte[][] behind) =>
    [
        .. Box("ftyp", "M4A "u8.ToArray()),
        .. Box("mdat", new byte[100]),
        .. Box("moov", Box("mvhd", [.. new byte[12], .. Big(1000, 4), .. Big(stated, 4)]), Track(1, "soun", Mpeg4, frames)),
        .. behind.SelectMany(box => box),
    ];

    public static byte[] Track(int number, string kind, byte[] description, int frames) => Box(
        "trak",
        Box("tkhd", [.. new byte[12], .. Big(number, 4)]),
        Box(
            "mdia",
            Box("hdlr", [.. new byte[8], .. Encoding.ASCII.GetBytes(kind)]),
            Box("minf", Box("stbl", Box("stsd", description), Box("stsz", [.. new byte[8], .. Big(frames, 4)])))));

    /// <summary>A description of MPEG-4 audio with its descriptors: AAC, 44,100 a second.</summary>
    public static byte[] Mpeg4 =>
    [
        .. new byte[8],
        .. Box("mp4a", new byte[28], Box("esds", [0, 0, 0, 0, 3, 22, 0, 1, 0, 4, 17, 0x40, .. new byte[12], 5, 2, 0x12, 0x10])),
    ];

    public static byte[] Fragment(int track, int frames) => Box(
        "moof", Box("traf", Box("tfhd", [0, 0, 0, 0, .. Big(track, 4)]), Box("trun", [0, 0, 0, 0, .. Big(frames, 4)])));

    public static byte[] Box(string name, params byte[][] content) =>
        [.. Big(8 + content.Sum(part => part.Length), 4), .. Encoding.ASCII.GetBytes(name), .. content.SelectMany(part => part)];

    public static byte[] WebM(double? stated, byte[][] track, params byte[][] clusters) =>
    [
        .. Element([0x1a, 0x45, 0xdf, 0xa3], Element([0x42, 0x82], "webm"u8.ToArray())),
        .. Element(
            [0x18, 0x53, 0x80, 0x67],
            Element([0x15, 0x49, 0xa9, 0x66], stated is { } milliseconds ? Element([0x44, 0x89], Big(BitConverter.DoubleToInt64Bits(milliseconds), 8)) : []),
            Element([0x16, 0x54, 0xae, 0x6b], Element([0xae], [.. track])),
            [.. clusters.SelectMany(cluster => cluster)]),
    ];

    public static byte[][] WebMTrack(string code) =>
        [Element([0xd7], [1]), Element([0x83], [2]), Element([0x86], Encoding.ASCII.GetBytes(code))];

    public static byte[] Cluster(params byte[][] packets) => Element([0x1f, 0x43, 0xb6, 0x75], [.. packets.Select(packet => Block(packet))]);

    /// <summary>As a browser writes it while it records.</summary>
    public static byte[] OpenCluster(params byte[][] packets) =>
        [0x1f, 0x43, 0xb6, 0x75, 0xff, .. packets.SelectMany(packet => Block(packet))];

    public static byte[] Block(byte[] packet, byte flags = 0) => Element([0xa3], [0x81, 0, 0, flags, .. packet]);

    public static byte[] Element(byte[] id, params byte[][] content)
    {
        var length = content.Sum(part => part.Length);
        return [.. id, 0x10, .. Big(length, 3), .. content.SelectMany(part => part)];
    }

    public static byte[] Big(long number, int length)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        return bytes[^length..];
    }

    static byte[] Little(long number, int length) => [.. Big(number, length).Reverse()];

    static byte Checksum(byte[] header)
    {
        var checksum = 0;
        foreach (var value in header)
        {
            checksum ^= value;
            for (var bit = 0; bit < 8; bit++) checksum = (checksum & 0x80) == 0 ? checksum << 1 : (checksum << 1) ^ 0x107;
        }

        return (byte)checksum;
    }
}
