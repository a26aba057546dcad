using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Purser.Core.Ledger;

namespace Purser.Server.Ledger;

/// <summary>Hashes that tell one request from another: 128 bits, of texts that each stand behind their length.</summary>
static class Fingerprint
{
    const int Small = 1024;

    public static Guid Of(params ReadOnlySpan<string?> parts)
    {
        var most = 0;
        foreach (var part in parts) most += sizeof(int) + Encoding.UTF8.GetMaxByteCount(part?.Length ?? 0);
        if (most <= Small) return Of(parts, stackalloc byte[most]);

        var rented = ArrayPool<byte>.Shared.Rent(most);
        try
        {
            return Of(parts, rented);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    static Guid Of(ReadOnlySpan<string?> parts, Span<byte> buffer)
    {
        var length = 0;
        foreach (var part in parts)
        {
            var written = part is null ? -1 : Encoding.UTF8.GetBytes(part, buffer[(length + sizeof(int))..]);
            BinaryPrimitives.WriteInt32BigEndian(buffer[length..], written);
            length += sizeof(int) + Math.Max(0, written);
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(buffer[..length], hash);
        return new(hash[..16], bigEndian: true);
    }

    /// <summary>
    /// The key of a command. One that came without is given one: it is what makes a lost connection harmless.
    /// </summary>
    public static CommandKey Key(WalletId wallet, string? key, Guid request, DateTimeOffset now) => key is null
        ? new(Guid.CreateVersion7(now), request)
        : new(Of(wallet.ToString(), key), request);

    /// <summary>
    /// The key of a command of our own, by the name of what it is done for. Made of three parts where a caller's is made
    /// of two, so that none of theirs ever equals one of ours.
    /// </summary>
    public static CommandKey OwnKey(WalletId wallet, string identity, Guid request) =>
        new(Of(wallet.ToString(), "purser", identity), request);

    /// <summary>
    /// The key of a command that is one of many, by the key of the call and its place there. Made of four parts: no key
    /// that a caller gives to one alone equals it.
    /// </summary>
    public static CommandKey PlaceKey(WalletId wallet, string call, int place, Guid request) =>
        new(Of(wallet.ToString(), "purser", call, place.ToString(null, null)), request);

    /// <summary>Names with numbers, in an order and a spelling that do not depend on how they were sent.</summary>
    public static string? Sorted<T>(IReadOnlyDictionary<string, T>? numbers) where T : IFormattable => numbers is null
        ? null
        : string.Join('\n', from one in numbers orderby one.Key select $"{one.Key}={one.Value.ToString("G29", null)}");
}
