using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Gateway;

/// <summary>A key for the gateway. It never changes but by being revoked, and then its budget is closed.</summary>
/// <param name="Models">Their full names; null for all.</param>
sealed record VirtualKey(
    Id<VirtualKey> Id, CustomerId Customer, string? Name, IReadOnlyList<string>? Models, int? RequestsPerMinute, long? TokensPerMinute,
    DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt) : IEntity
{
    public static string Prefix => "key";

    public WalletId Wallet { get; } = WalletId.Of(Customer);

    /// <summary>Every key has one, if only to be closed: it says what the key may spend, and until when.</summary>
    public Id<Budget> Budget => new(Id.Value);

    public bool Allows(string model) => Models is null || Models.Contains(model);
}

/// <summary>
/// Tells whose a key is. Only hashes are kept. What is known of a key is kept in memory, for it never changes; whether it
/// was revoked, the ledger says with each hold, and for what needs no hold the database is asked.
/// </summary>
sealed class VirtualKeys(Db db)
{
    const string Mark = "pvk_";
    const int KeyBytes = 24;
    const int Most = 100_000;

    readonly ConcurrentDictionary<Hash, VirtualKey> known = new();
    readonly ConcurrentDictionary<CustomerId, VirtualKey> ofUsers = new();

    public static string Make() => Mark + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(KeyBytes));

    public static byte[] Hashed(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>Possibly of a key that was revoked a moment ago: for calls that place a hold.</summary>
    public async ValueTask<VirtualKey?> Find(string key, CancellationToken ct)
    {
        if (!IsOne(key)) return null;

        var hash = Hashed(key);
        if (known.TryGetValue(Hash.Of(hash), out var found)) return found;
        if (await Read(hash, ct) is not { RevokedAt: null } read) return null;

        if (known.Count >= Most) known.Clear();
        known[Hash.Of(hash)] = read;
        return read;
    }

    /// <summary>As it stands in the database now.</summary>
    public async Task<VirtualKey?> FindNow(string key, CancellationToken ct) =>
        IsOne(key) && await Read(Hashed(key), ct) is { RevokedAt: null } found ? found : null;

    /// <summary>
    /// The key under which a user's own calls are made. It has no secret, so nobody can present it; in all else it is one like
    /// any other, and can be revoked.
    /// </summary>
    public async ValueTask<VirtualKey> OfUser(CustomerId customer, DateTimeOffset now, CancellationToken ct)
    {
        if (ofUsers.TryGetValue(customer, out var found)) return found;

        var key = new VirtualKey(
            new(new Guid(Hashed($"user:{customer}")[..16])), customer, "the user's own calls", Models: null, null, null, now, RevokedAt: null);
        await db.Transact(async tx =>
        {
            var made = await tx.Run($"""
                insert into virtual_key (id, customer, hash, name, created_at)
                values ({key.Id}, {customer.Value}, {RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes)}, {key.Name}, {now})
                on conflict (id) do nothing
                """, ct);
            if (made == 1) await tx.OpenBudget(key.Wallet, key.Budget, BudgetPeriod.Total, amount: null, now, ct);
            return made;
        }, ct);
        if (ofUsers.Count >= Most) ofUsers.Clear();
        ofUsers[customer] = key;
        return key;
    }

    static bool IsOne(string key) => key.Length == Mark.Length + (2 * KeyBytes) && key.StartsWith(Mark, StringComparison.Ordinal);

    Task<VirtualKey?> Read(byte[] hash, CancellationToken ct) => db.One($"""
        select id, customer, name, models, requests_per_minute, tokens_per_minute, created_at, revoked_at
        from virtual_key where hash = {hash}
        """, Of, ct);

    public static VirtualKey Of(NpgsqlDataReader row) => new(
        row.GetId<VirtualKey>(0),
        CustomerId.Parse(row.GetString(1), null),
        row.Text(2),
        row.IsDBNull(3) ? null : row.GetFieldValue<string[]>(3),
        row.Maybe<int>(4),
        row.Maybe<long>(5),
        row.GetInstant(6),
        row.Maybe<DateTimeOffset>(7));
}
