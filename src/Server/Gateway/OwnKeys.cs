using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using Purser.Core;
using Purser.Server.Gateway.Providers;
using Purser.Server.Ledger;
using Purser.Server.Platform;
using static Microsoft.AspNetCore.Http.TypedResults;

namespace Purser.Server.Gateway;

/// <summary>
/// Customers' own keys at providers. They lie sealed in the database, under a secret that is not there; each is bound to
/// its customer and provider, so that a row that is moved opens for nobody.
/// </summary>
sealed class OwnKeys(Settings settings, Db db, TimeProvider time)
{
    const int NonceSize = 12;
    const int TagSize = 16;
    const int MostCustomers = 50_000;

    // Looked up again after so long: it is asked for with every call, and most customers have none.
    static readonly TimeSpan Trust = TimeSpan.FromSeconds(2);

    readonly ConcurrentDictionary<CustomerId, (DateTimeOffset Until, Dictionary<string, string> Keys)> known = new();

    public bool CanSeal => settings.EncryptionKey is not null;

    public async ValueTask<string?> Find(CustomerId customer, string provider, CancellationToken ct)
    {
        if (!CanSeal) return null;

        var now = time.GetUtcNow();
        if (!known.TryGetValue(customer, out var kept) || kept.Until <= now)
        {
            kept = (now + Trust, await Read(customer, ct));
            if (known.Count >= MostCustomers) known.Clear();
            known[customer] = kept;
        }

        return kept.Keys.GetValueOrDefault(provider);
    }

    public async Task Put(CustomerId customer, string provider, string key, CancellationToken ct)
    {
        var now = time.Now();
        await db.Run($"""
            insert into provider_key (customer, provider, sealed, created_at)
            values ({customer.Value}, {provider}, {Sealed(customer, provider, key)}, {now})
            on conflict (customer, provider) do update set sealed = excluded.sealed, created_at = excluded.created_at
            """, ct);
        known.TryRemove(customer, out _);
    }

    public async Task<bool> Remove(CustomerId customer, string provider, CancellationToken ct)
    {
        var removed = await db.Run($"delete from provider_key where customer = {customer.Value} and provider = {provider}", ct);
        known.TryRemove(customer, out _);
        return removed > 0;
    }

    /// <summary>Without the secret, customers who brought a key would be charged as if they had not.</summary>
    public async Task RequireSecret(CancellationToken ct)
    {
        if (CanSeal || (await db.All($"select provider from provider_key limit 1", row => row.GetString(0), ct)).Count == 0) return;

        throw new StartFailure("Customers' own provider keys are stored, and PURSER_ENCRYPTION_KEY is not set: set the one they were sealed "
            + "under, or, where it is lost, any, and put their keys in anew.");
    }

    async Task<Dictionary<string, string>> Read(CustomerId customer, CancellationToken ct)
    {
        var rows = await db.All($"select provider, sealed from provider_key where customer = {customer.Value}",
            row => (Provider: row.GetString(0), Sealed: row.GetFieldValue<byte[]>(1)), ct);
        return rows.ToDictionary(row => row.Provider, row => Opened(customer, row.Provider, row.Sealed));
    }

    byte[] Sealed(CustomerId customer, string provider, string key)
    {
        var text = Encoding.UTF8.GetBytes(key);
        var sealedKey = new byte[NonceSize + text.Length + TagSize];
        var nonce = sealedKey.AsSpan(0, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = Cipher();
        aes.Encrypt(
            nonce, text, sealedKey.AsSpan(NonceSize, text.Length), sealedKey.AsSpan(NonceSize + text.Length), Owner(customer, provider));
        return sealedKey;
    }

    string Opened(CustomerId customer, string provider, byte[] sealedKey)
    {
        var text = new byte[sealedKey.Length - NonceSize - TagSize];
        using var aes = Cipher();
        var (nonce, cipher, tag) = (sealedKey[..NonceSize], sealedKey[NonceSize..^TagSize], sealedKey[^TagSize..]);
        try
        {
            aes.Decrypt(nonce, cipher, tag, text, Owner(customer, provider));
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new InvalidOperationException(
                $"The key of {customer} at {provider} was sealed under another PURSER_ENCRYPTION_KEY: set that one again, or put the customer's key in anew.", e);
        }

        return Encoding.UTF8.GetString(text);
    }

    AesGcm Cipher() => new(
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(settings.EncryptionKey!), 32, info: "provider keys"u8.ToArray()), TagSize);

    static byte[] Owner(CustomerId customer, string provider) => Encoding.UTF8.GetBytes($"{provider}\n{customer}");
}

sealed record OwnKeyRequest
{
    public string? Key { get; init; }
}

sealed record OwnKeyAnswer(string Provider, DateTimeOffset CreatedAt);

static class OwnKeyEndpoints
{
    const int LongestKey = 500;

    public static void MapOwnKeys(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/v1/customers/{customer}/provider-keys").WithTags("Gateway");
        keys.MapPut("/{provider}", Put).WithSummary("Let a customer's calls go out under the customer's own key at a provider");
        keys.MapGet("/", List).WithSummary("List the providers at which a customer has a key of its own");
        keys.MapDelete("/{provider}", Remove).WithSummary("Forget a customer's own key");
    }

    static async Task<Results<NoContent, JsonHttpResult<ErrorBody>>> Put(
        CustomerId customer, string provider, OwnKeyRequest request, OwnKeys keys, ProviderTable providers, Db db, HttpContext http, CancellationToken ct)
    {
        var key = request.Key.Needed("key").Short("key", LongestKey)!;
        if (key.Any(c => c is <= ' ' or > '~')) throw new InvalidRequestException("key", "'key' is printable ASCII without white space.");
        if (providers.Find(provider) is null) return Error.NotFound("provider").Answer(http);
        if (!await db.Exists(customer, ct)) return Error.NotFound("customer").Answer(http);
        if (!keys.CanSeal)
        {
            return Error.Of(ErrorType.Conflict, "not_configured", "PURSER_ENCRYPTION_KEY is not set on this server: nothing can be sealed.").Answer(http);
        }

        await keys.Put(customer, provider, key, ct);
        return NoContent();
    }

    static async Task<Ok<Page<OwnKeyAnswer>>> List(CustomerId customer, Db db, HttpContext http, CancellationToken ct)
    {
        var rows = await db.All($"select provider, created_at from provider_key where customer = {customer.Value} order by provider",
            row => new OwnKeyAnswer(row.GetString(0), row.GetInstant(1)), ct);
        return Ok(rows.Page(row => row.Provider, http));
    }

    static async Task<Results<NoContent, JsonHttpResult<ErrorBody>>> Remove(
        CustomerId customer, string provider, OwnKeys keys, HttpContext http, CancellationToken ct) =>
        await keys.Remove(customer, provider, ct) ? NoContent() : Error.NotFound("provider key").Answer(http);
}
