namespace Purser.Core.Audio;

/// <summary>
/// MP4 and M4A with AAC: the number of coded frames, which are of one length. The durations in the headers are what a player
/// shows.
/// </summary>
static class Mp4
{
    const int MostTracks = 32;
    const int Deepest = 12;
    const ulong FrameSamples = 1024;

    public static SoundLength Length(ReadOnlySpan<byte> file)
    {
        var movie = new Movie();
        movie.Read(file, depth: 0);

        var sounds = movie.Tracks.Where(track => track.IsSound).ToList();
        if (sounds.Count == 0 || movie.Tracks.Count > MostTracks || sounds.Any(track => track.Rate == 0))
            return SoundLength.OfBytes(file.Length);

        var counted = TimeSpan.Zero;
        foreach (var track in sounds) counted += SoundLength.Time((UInt128)track.Frames * FrameSamples, track.Rate);
        return counted == TimeSpan.Zero
            ? SoundLength.OfBytes(file.Length)
            // Of several tracks, languages perhaps, a decoder takes one.
            : new(sounds.Count == 1 ? counted : null, SoundLength.Max(counted, movie.Stated));
    }

    sealed class Track
    {
        bool named;

        public ulong Number { get; private set; }

        public ulong Frames { get; private set; }

        /// <summary>Of what is coded, before a decoder that knows how doubles it.</summary>
        public ulong Rate { get; private set; }

        public bool IsSound => named || Rate > 0;

        public void Read(ReadOnlySpan<byte> box, ReadOnlySpan<byte> content)
        {
            if (box.Has(4, "tkhd"u8)) Number = content.Big(content.Big(0, 1) == 1 ? 20 : 12, 4);
            else if (box.Has(4, "hdlr"u8)) named |= content.Has(8, "soun"u8);
            else if (box.Has(4, "stsd"u8)) Rate = Aac.Rate(content);
            else if (box.Has(4, "stsz"u8) || box.Has(4, "stz2"u8)) Frames += content.Big(8, 4);
        }

        public void AddFragment(ulong frames) => Frames += frames;
    }

    sealed class Movie
    {
        Track? current;

        public List<Track> Tracks { get; } = [];

        public TimeSpan Stated { get; private set; }

        public void Read(ReadOnlySpan<byte> boxes, int depth)
        {
            for (var at = 0; at + 8 <= boxes.Length;)
            {
                var box = boxes[at..];
                var (size, header) = (box.Big(0, 4), 8);
                if (size == 1) (size, header) = (box.Big(8, 8), 16);
                if (size == 0) size = (ulong)box.Length;
                // No decoder goes on behind a box that is smaller than its header.
                if (size < (ulong)header) return;

                var content = box.Part(header, size - (ulong)header);
                if (!IsGroup(box)) ReadLeaf(box, content);
                else if (depth < Deepest) ReadGroup(box, content, depth);
                at += header + content.Length;
            }
        }

        static bool IsGroup(ReadOnlySpan<byte> box) =>
            box.Has(4, "moov"u8) || box.Has(4, "trak"u8) || box.Has(4, "mdia"u8) || box.Has(4, "minf"u8)
            || box.Has(4, "stbl"u8) || box.Has(4, "moof"u8) || box.Has(4, "traf"u8);

        void ReadGroup(ReadOnlySpan<byte> box, ReadOnlySpan<byte> content, int depth)
        {
            if (box.Has(4, "trak"u8) && Tracks.Count <= MostTracks) Tracks.Add(current = new());
            Read(content, depth + 1);
        }

        void ReadLeaf(ReadOnlySpan<byte> box, ReadOnlySpan<byte> content)
        {
            // The same for the whole and for a track.
            if (box.Has(4, "mvhd"u8) || box.Has(4, "mdhd"u8)) State(content);
            else if (box.Has(4, "tfhd"u8)) current = Numbered(content.Big(4, 4));
            else if (box.Has(4, "trun"u8)) current?.AddFragment(content.Big(4, 4));
            else current?.Read(box, content);
        }

        Track? Numbered(ulong number) => Tracks.Find(track => track.Number == number);

        void State(ReadOnlySpan<byte> content)
        {
            var (scaleAt, durationBytes) = content.Big(0, 1) == 1 ? (20, 8) : (12, 4);
            var duration = content.Big(scaleAt + 4, durationBytes);
            // All ones where nobody knew.
            if (duration == ulong.MaxValue >> (64 - (8 * durationBytes))) return;
            Stated = SoundLength.Max(Stated, SoundLength.Time(duration, content.Big(scaleAt, 4)));
        }
    }
}
