namespace Purser.Core.Audio;

/// <summary>
/// WebM and Matroska with Opus or Vorbis: the packets of all blocks. Browsers that record write no duration at all, and the
/// sizes of what they have not finished as unknown.
/// </summary>
static class WebM
{
    const int Deepest = 12;
    const int MostTracks = 32;
    const ulong Unknown = ulong.MaxValue;

    public static SoundLength Length(ReadOnlySpan<byte> file)
    {
        var segment = new Segment();
        segment.Read(file, depth: 0);

        var sounds = segment.Tracks.Where(track => track.IsSound).ToList();
        if (sounds.Count == 0 || segment.Tracks.Count > MostTracks || sounds.Any(track => track.Rate == 0))
            return SoundLength.OfBytes(file.Length);

        var counted = TimeSpan.Zero;
        foreach (var track in sounds) counted += SoundLength.Time(track.Samples, track.Rate);
        if (counted == TimeSpan.Zero) return SoundLength.OfBytes(file.Length);

        // A decoder that cannot read on looks for something it can, and so the rest is not nothing.
        var most = SoundLength.Max(counted, segment.Stated) + SoundLength.Bytes(segment.Unread);
        return new(sounds is [{ IsExact: true }] && segment.Unread == 0 ? counted : null, most);
    }

    sealed class Track
    {
        ulong longest;
        bool coded;

        public ulong Number { get; private set; }

        public bool IsSound { get; private set; }

        public ulong Rate { get; private set; }

        public ulong Samples { get; private set; }

        public bool IsExact => longest == 0;

        public void Read(ulong id, ReadOnlySpan<byte> content)
        {
            if (id == 0xd7) Number = content.Big(0, Math.Min(content.Length, 8));
            else if (id == 0x83) IsSound = content.Big(0, Math.Min(content.Length, 8)) == 2;
            else if (id == 0x86 && content.StartsWith("A_OPUS"u8)) Rate = Opus.Rate;
            else if (id == 0x63a2 && content.IndexOf("\u0001vorbis"u8) is >= 0 and var at) ReadVorbis(content.From(at));
            // Compressed once more, so that the first bytes of a packet are not those of its code.
            else if (id == 0x6d80) coded = true;

            if (coded) Rate = 0;
        }

        public void Add(ReadOnlySpan<byte> packets, bool several)
        {
            var count = several ? packets.Big(0, 1) + 1 : 1;
            if (longest > 0) Samples += count * longest;
            else Samples += several ? count * Opus.MostSamples : Opus.Samples(packets);
        }

        void ReadVorbis(ReadOnlySpan<byte> header)
        {
            if (Vorbis.TryRead(header, out var rate, out longest)) Rate = rate;
        }
    }

    sealed class Segment
    {
        double ticks;
        ulong nanosecondsPerTick = 1_000_000;

        public List<Track> Tracks { get; } = [];

        public long Unread { get; private set; }

        public TimeSpan Stated => ticks > 0 && ticks * nanosecondsPerTick < TimeSpan.FromDays(36_525).TotalNanoseconds
            ? TimeSpan.FromMilliseconds(ticks * nanosecondsPerTick / 1_000_000)
            : TimeSpan.Zero;

        public void Read(ReadOnlySpan<byte> elements, int depth)
        {
            for (var at = 0; at < elements.Length;)
            {
                var element = elements[at..];
                var (id, idLength) = Number(element, longest: 4, marked: true);
                var (size, sizeLength) = Number(element.From(idLength), longest: 8, marked: false);
                var header = idLength + sizeLength;
                if (idLength == 0 || sizeLength == 0 || (size == Unknown && !IsGroup(id)))
                {
                    Unread += element.Length;
                    return;
                }

                if (id == 0xae && Tracks.Count <= MostTracks) Tracks.Add(new());
                var content = element.Part(header, size);
                at += header;
                // What is in a group of unknown size is read like what stands beside it, for nothing says where it ends.
                if (size == Unknown) continue;

                at += content.Length;
                if (!IsGroup(id)) ReadLeaf(id, content);
                else if (depth < Deepest) Read(content, depth + 1);
            }
        }

        // Segment, cluster, block group, information, tracks, track.
        static bool IsGroup(ulong id) => id is 0x1853_8067 or 0x1f43_b675 or 0xa0 or 0x1549_a966 or 0x1654_ae6b or 0xae;

        void ReadLeaf(ulong id, ReadOnlySpan<byte> content)
        {
            if (id is 0xa3 or 0xa1) ReadBlock(content);
            else if (id == 0x2a_d7b1) nanosecondsPerTick = content.Big(0, Math.Min(content.Length, 8));
            else if (id == 0x4489) ticks = Float(content);
            else if (Tracks.Count > 0) Tracks[^1].Read(id, content);
        }

        void ReadBlock(ReadOnlySpan<byte> block)
        {
            var (number, length) = Number(block, longest: 8, marked: false);
            // Two bytes of time, and flags that say whether several packets follow, with their number first.
            var several = (block.Big(length + 2, 1) & 6) != 0;
            if (length > 0 && block.Length > length + 3)
                Tracks.Find(track => track.Number == number && track.IsSound)?.Add(block.From(length + 3), several);
        }

        static double Float(ReadOnlySpan<byte> content) => content.Length switch
        {
            4 => BitConverter.UInt32BitsToSingle((uint)content.Big(0, 4)),
            8 => BitConverter.UInt64BitsToDouble(content.Big(0, 8)),
            _ => 0,
        };

        // As many bytes as the first has leading zeros, and one. Its first one is part of an id and not of a size.
        static (ulong Value, int Length) Number(ReadOnlySpan<byte> bytes, int longest, bool marked)
        {
            if (bytes.IsEmpty || bytes[0] == 0) return (0, 0);

            var length = 1 + byte.LeadingZeroCount(bytes[0]);
            if (length > longest) return (0, 0);

            var value = bytes.Big(0, length);
            if (marked) return (value, length);

            var ones = (1UL << (7 * length)) - 1;
            return ((value & ones) == ones ? Unknown : value & ones, length);
        }
    }
}
