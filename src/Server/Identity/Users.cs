using System.Collections.Concurrent;
using Purser.Core;
using Purser.Core.Identity;
using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Identity;

/// <summary>A route for the product's own users, who come with a token of its issuer.</summary>
sealed class UserRoute;

/// <summary>Who calls, by the issuer's word. A user is a customer of the same name.</summary>
sealed record User(CustomerId Customer, bool IsAdmin)
{
    /// <summary>Lets a handler of a user's route ask for its user.</summary>
    public static ValueTask<User?> BindAsync(HttpContext http) => ValueTask.FromResult(http.Features.Get<User>());
}

/// <summary>Recognises users, and makes customers of those who come for the first time.</summary>
sealed class Users(Db db, TimeProvider time, Issuer? issuer = null)
{
    const int Most = 100_000;

    readonly ConcurrentDictionary<CustomerId, bool> known = new();

    /// <summary>The user that a token names, or why it is not accepted.</summary>
    public async Task<(User? User, Error? Error)> Find(string token, CancellationToken ct)
    {
        if (issuer is null) return (null, Unauthorized("missing_key", "This server knows no users: PURSER_OIDC_ISSUER is not set."));

        switch (await issuer.Check(token, ct))
        {
            case TokenVerdict.Accepted { Claims: var claims }:
                if (!CustomerId.TryParse(claims.Subject, null, out var customer))
                    return (null, Unauthorized("invalid_token", "The token's sub is no id of a customer: 1 to 128 of A-Z a-z 0-9 . _ : @ -"));

                await Know(customer, claims, ct);
                return (new(customer, issuer.IsAdmin(claims)), null);
            case TokenVerdict.Refused { Why: var why }:
                return (null, Unauthorized("invalid_token", $"The token is not accepted: {Names.Of(why)}."));
            default:
                throw new InvalidOperationException("A token is accepted or refused.");
        }
    }

    public static Error Unauthorized(string code, string message) => Error.Of(ErrorType.Unauthorized, code, message);

    async Task Know(CustomerId customer, Claims claims, CancellationToken ct)
    {
        if (known.ContainsKey(customer)) return;

        var now = time.Now();
        await db.Run($"""
            insert into customer (id, wallet_id, name, email, created_at, updated_at)
            values ({customer.Value}, {WalletId.Of(customer).Value}, {Short(claims, "name", CustomerEndpoints.LongestName)},
              {Short(claims, "email", CustomerEndpoints.LongestEmail)}, {now}, {now})
            on conflict (id) do nothing
            """, ct);
        if (known.Count >= Most) known.Clear();
        known[customer] = true;
    }

    static string? Short(Claims claims, string name, int most) =>
        claims.Text(name) is { } text && text.Length <= most && !text.Contains('\0', StringComparison.Ordinal) ? text : null;
}
