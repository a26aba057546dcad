namespace Purser.Core.Audio;

/// <summary>
/// Ogg with Opus or Vorbis: the packets of all its pages. The positions that pages state are what a player shows, while a
/// decoder takes the packets as they come.
/// </summary>
static class Ogg
{
    const int PageHeader = 27;
    const int MostStreams = 64;

    public static SoundLength Length(ReadOnlySpan<byte> file)
    {
        var streams = new Dictionary<uint, LogicalStream>();
        long taken = 0;
        for (var at = 0; at + PageHeader <= file.Length; at++)
        {
            var next = file[at..].IndexOf("OggS"u8);
            if (next < 0) break;

            at += next;
            var page = file[at..];
            var serial = (uint)page.Little(14, 4);
            if (!streams.TryGetValue(serial, out var stream)) streams[serial] = stream = new();
            taken += stream.Add(page);
            // Pages that lie within one another: which of them a decoder finds depends on what it thinks of the others.
            if (taken > file.Length || streams.Count > MostStreams) return SoundLength.OfBytes(file.Length);
        }

        var length = new SoundLength(TimeSpan.Zero, TimeSpan.Zero);
        foreach (var stream in streams.Values)
        {
            if (stream.Length() is not { } one) return SoundLength.OfBytes(file.Length);
            length = new(length.Exact + one.Exact, length.Most + one.Most);
        }

        return length.Most == TimeSpan.Zero ? SoundLength.OfBytes(file.Length) : length;
    }

    sealed class LogicalStream
    {
        int packets;
        int headers;
        ulong rate;
        ulong longest;
        ulong samples;
        ulong position;

        /// <summary>Returns how many bytes the page has.</summary>
        public int Add(ReadOnlySpan<byte> page)
        {
            var segments = page.Part(PageHeader, page.Big(26, 1));
            var continued = (page.Big(5, 1) & 1) != 0;
            var granule = page.Little(6, 8);
            // All ones on a page where no packet ends.
            if (granule != ulong.MaxValue) position = granule;

            var (begins, at) = (!continued, PageHeader + segments.Length);
            foreach (var segment in segments)
            {
                if (begins) Begin(page.From(at));
                begins = segment < 255;
                at += segment;
            }

            return Math.Min(at, page.Length);
        }

        /// <summary>Nothing, where the sound is in no code that is known here.</summary>
        public SoundLength? Length()
        {
            if (rate == 0) return null;

            var most = SoundLength.Time(samples, rate);
            var played = SoundLength.Time(position, rate);
            if (longest == 0) return new(most, most);
            // A packet of Vorbis makes the longest block at most, and nearly always does. Where the position is far from
            // that, one of them is not true.
            return new(played <= most && played >= most / 2 ? played : null, most);
        }

        void Begin(ReadOnlySpan<byte> packet)
        {
            packets++;
            if (packets == 1) Identify(packet);
            else if (packets > headers) samples += longest > 0 ? longest : Opus.Samples(packet);
        }

        void Identify(ReadOnlySpan<byte> packet)
        {
            if (packet.StartsWith("OpusHead"u8)) (headers, rate) = (2, Opus.Rate);
            else if (Vorbis.TryRead(packet, out rate, out longest)) headers = 3;
        }
    }
}
