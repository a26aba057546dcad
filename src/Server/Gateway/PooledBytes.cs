using System.Buffers;

namespace Purser.Server.Gateway;

/// <summary>Bytes in a buffer that is lent and given back. Prompts and answers stand in memory once.</summary>
sealed class PooledBytes : IDisposable
{
    const int Ordinary = 4096;

    // Whoever says that more is coming gets room for it as it comes.
    const int MostExpected = 1 << 20;

    byte[] buffer = ArrayPool<byte>.Shared.Rent(Ordinary);

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Span => buffer.AsSpan(0, Length);

    public ReadOnlyMemory<byte> Memory => buffer.AsMemory(0, Length);

    /// <summary>Makes room for what is said to come, so that it need not be moved while it does.</summary>
    public void Expect(long bytes)
    {
        if (bytes > buffer.Length) Grow((int)Math.Min(bytes, MostExpected));
    }

    /// <summary>Reads to the end. False where there is more than allowed; nothing is kept of it.</summary>
    public async Task<bool> Fill(Stream from, long most, CancellationToken ct)
    {
        while (true)
        {
            if (Length == buffer.Length) Grow();
            var read = await from.ReadAsync(buffer.AsMemory(Length), ct);
            if (read == 0) return true;

            Length += read;
            if (Length > most) return false;
        }
    }

    /// <summary>Reads what there is. 0 at the end.</summary>
    public async ValueTask<int> Read(Stream from, CancellationToken ct)
    {
        if (Length == buffer.Length) Grow();
        var read = await from.ReadAsync(buffer.AsMemory(Length), ct);
        Length += read;
        return read;
    }

    /// <summary>Forgets what stands in front.</summary>
    public void Consume(int count)
    {
        if (count == 0) return;

        buffer.AsSpan(count, Length - count).CopyTo(buffer);
        Length -= count;
    }

    /// <summary>Leaves the buffer to whoever may still be reading it.</summary>
    public void Abandon()
    {
        buffer = [];
        Length = 0;
    }

    public void Dispose()
    {
        if (buffer.Length == 0) return;

        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
        Length = 0;
    }

    void Grow() => Grow(buffer.Length * 2);

    void Grow(int length)
    {
        var larger = ArrayPool<byte>.Shared.Rent(length);
        buffer.AsSpan(0, Length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }
}
