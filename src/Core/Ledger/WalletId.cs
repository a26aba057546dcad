using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Core.Ledger;

/// <summary>
/// Names a wallet: the first 128 bits of SHA-256 of its customer's id, so that it is known without asking the database.
/// </summary>
public readonly record struct WalletId(Guid Value)
{
    public const int Buckets = 1024;

    /// <summary>The top ten bits: ordering wallets by id orders them by bucket too.</summary>
    public int Bucket
    {
        get
        {
            Span<byte> bytes = stackalloc byte[16];
            Value.TryWriteBytes(bytes, bigEndian: true, out _);
            return (bytes[0] << 2) | (bytes[1] >> 6);
        }
    }

    /// <summary>
    /// Where it stands among all wallets, from 0 to 99, evenly and for ever: who is among the first five of a hundred is
    /// among the first twenty-five.
    /// </summary>
    public int Percentile
    {
        get
        {
            Span<byte> bytes = stackalloc byte[16];
            Value.TryWriteBytes(bytes, bigEndian: true, out _);
            return (int)(BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]) % 100);
        }
    }

    public static WalletId Of(CustomerId customer)
    {
        Span<byte> name = stackalloc byte[128];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(name[..Encoding.UTF8.GetBytes(customer.Value, name)], hash);
        return new(new Guid(hash[..16], bigEndian: true));
    }

    public override string ToString() => Value.ToString("N");
}
