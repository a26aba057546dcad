using System.Buffers.Binary;

namespace Purser.Core.Ledger;

/// <summary>A SHA-256, by value. The default, all zeros, stands before a wallet's first entry.</summary>
public readonly record struct Hash(UInt128 High, UInt128 Low)
{
    public const int Size = 32;

    public static Hash Of(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt128BigEndian(bytes[..16]),
        BinaryPrimitives.ReadUInt128BigEndian(bytes[16..Size]));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt128BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[16..], Low);
    }

    public byte[] ToBytes()
    {
        var bytes = new byte[Size];
        Write(bytes);
        return bytes;
    }

    public override string ToString() => Convert.ToHexStringLower(ToBytes());
}
