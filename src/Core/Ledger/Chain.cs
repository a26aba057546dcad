using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Core.Ledger;

/// <summary>
/// The hash of an entry covers the hash before it and every field, each in one spelling only:
/// numbers in eight bytes, big-endian; what may be absent behind a byte that says whether it is there; texts behind their length.
/// </summary>
public static class Chain
{
    // The first byte of what is hashed. A change of the encoding takes the next number, so that old entries still verify.
    const byte Version = 1;

    // Everything but the texts: a few more bytes than are ever written.
    const int FixedSize = 192;

    public static Hash Link(Hash previous, Entry entry)
    {
        var size = FixedSize
            + Length(entry.Reason) + Length(entry.Reference) + Length(entry.Quote) + Length(entry.Terms?.Paid?.Currency);
        if (size <= 1024) return Link(previous, entry, stackalloc byte[size]);

        var rented = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            return Link(previous, entry, rented);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    static int Length(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);

    static Hash Link(Hash previous, Entry entry, Span<byte> buffer)
    {
        var bytes = new Writer(buffer);
        bytes.Byte(Version);
        bytes.Hash(previous);
        bytes.Guid(entry.Id.Wallet.Value);
        bytes.Number(entry.Id.Seq);
        bytes.Byte((byte)entry.Kind);
        bytes.Number(entry.Amount.Micros);
        bytes.Number(entry.Balance.Micros);
        bytes.Number(entry.Owed.Micros);
        bytes.Instant(entry.At);
        bytes.Text(entry.Reason);
        bytes.Text(entry.Reference);
        bytes.Maybe(entry.Hold);
        bytes.Number(entry.Shortfall.Micros);
        bytes.Maybe(entry.Lot);
        bytes.Text(entry.Quote);
        bytes.Byte(entry.Terms is null ? (byte)0 : (byte)1);
        if (entry.Terms is { } terms) bytes.Terms(terms);

        Span<byte> hash = stackalloc byte[Ledger.Hash.Size];
        SHA256.HashData(bytes.Written, hash);
        return Ledger.Hash.Of(hash);
    }

    ref struct Writer(Span<byte> buffer)
    {
        readonly Span<byte> buffer = buffer;
        int length;

        public readonly ReadOnlySpan<byte> Written => buffer[..length];

        public void Byte(byte value) => buffer[length++] = value;

        public void Number(long value)
        {
            BinaryPrimitives.WriteInt64BigEndian(buffer[length..], value);
            length += sizeof(long);
        }

        // PostgreSQL keeps microseconds; the wallet never writes a finer time.
        public void Instant(DateTimeOffset at) => Number((at.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond);

        public void Maybe(long? value)
        {
            Byte(value is null ? (byte)0 : (byte)1);
            if (value is { } there) Number(there);
        }

        public void Text(string? text)
        {
            Byte(text is null ? (byte)0 : (byte)1);
            if (text is null) return;

            var written = Encoding.UTF8.GetBytes(text, buffer[(length + sizeof(long))..]);
            Number(written);
            length += written;
        }

        public void Guid(Guid value)
        {
            value.TryWriteBytes(buffer[length..], bigEndian: true, out var written);
            length += written;
        }

        public void Hash(Hash hash)
        {
            hash.Write(buffer[length..]);
            length += Ledger.Hash.Size;
        }

        public void Terms(GrantTerms terms)
        {
            Byte((byte)terms.Source);
            Number(terms.Priority);
            Byte(terms.ExpiresAt is null ? (byte)0 : (byte)1);
            if (terms.ExpiresAt is { } expiry) Instant(expiry);
            Maybe(terms.Paid?.Minor);
            Text(terms.Paid?.Currency);
        }
    }
}
