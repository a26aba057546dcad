using System.Net;
using System.Text.Json;
using Purser.Core.Identity;
using Purser.Server.Platform;

namespace Purser.Server.Identity;

/// <summary>
/// The issuer of the users' tokens and the keys it signs with. They are fetched when they are first needed, now and then, and when
/// a token names one that is not known; and never more often than once a second, whatever tokens people send.
/// </summary>
sealed class Issuer(OidcAccess access, TimeProvider time, ILogger<Issuer> log) : IDisposable
{
    const int LargestAnswer = 256 << 10;

    // A key that the issuer has withdrawn is refused at most this much later.
    static readonly TimeSpan Fresh = TimeSpan.FromMinutes(5);

    // A token signed with a new key is refused for at most as long after somebody asked for one that nobody has.
    static readonly TimeSpan BetweenFetches = TimeSpan.FromSeconds(1);

    // How long keys that are known go on without another try, where the issuer does not answer.
    static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(10);

    // An issuer that is down for longer than this has withdrawn what it signed.
    static readonly TimeSpan Stale = TimeSpan.FromHours(24);

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // How long a caller waits for newer keys while there are some.
    static readonly TimeSpan Courtesy = TimeSpan.FromSeconds(2);

    readonly Trusted trusted = new(access.Issuer, access.Audience);
    readonly SemaphoreSlim fetching = new(1, 1);
    readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
    {
        Timeout = Patience,
        MaxResponseContentBufferSize = LargestAnswer,
    };

    volatile KeySet? known;
    long lastAttempt = long.MinValue;

    sealed record KeySet(IReadOnlyList<PublicKey> Keys, DateTimeOffset FetchedAt);

    public async ValueTask<TokenVerdict> Check(string token, CancellationToken ct)
    {
        // Of what is no token at all the issuer has nothing to say.
        if (!BearerToken.IsOne(token)) return TokenRefusal.NotAToken;

        var now = time.GetUtcNow();
        // While one looks whether they are still good, the others go on with those they have; so does he, where the issuer is silent.
        if (known is null) await Fetch(now, ct);
        else if (now - known.FetchedAt >= Fresh && IsPast(BetweenTries, now)) await Task.WhenAny(Fetch(now, CancellationToken.None), Task.Delay(Courtesy, ct));
        var keys = known is { } some && now - some.FetchedAt < Stale ? some : throw Unreachable();
        var verdict = BearerToken.Check(token, keys.Keys, trusted, now);
        if (verdict is not TokenVerdict.Refused { Why: TokenRefusal.UnknownKey }) return verdict;

        await Fetch(now, ct);
        return known == keys ? verdict : BearerToken.Check(token, known!.Keys, trusted, now);
    }

    public bool IsAdmin(Claims claims) => access.AdminClaims.All(claim => claims.Has(claim.Name, claim.Value));

    public void Dispose()
    {
        http.Dispose();
        fetching.Dispose();
    }

    bool IsPast(TimeSpan pause, DateTimeOffset now) => now.UtcTicks - pause.Ticks >= Volatile.Read(ref lastAttempt);

    async Task Fetch(DateTimeOffset now, CancellationToken ct)
    {
        await fetching.WaitAsync(ct);
        var isDue = IsPast(BetweenFetches, now);
        try
        {
            if (!isDue) return;

            Volatile.Write(ref lastAttempt, now.UtcTicks);
            known = new(await Keys(), now);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or FormatException or JsonException)
        {
            log.KeysNotFetched(access.Issuer, e.Message);
        }
        finally
        {
            // Whoever waited for this fetch shares what it brought.
            if (isDue) Volatile.Write(ref lastAttempt, time.GetUtcNow().UtcTicks);
            fetching.Release();
        }
    }

    // Not cancelled with the request that happens to need them: others wait for them as well.
    async Task<IReadOnlyList<PublicKey>> Keys()
    {
        var discovery = await Get(new($"{access.Issuer.TrimEnd('/')}/.well-known/openid-configuration"));
        var about = JsonSerializer.Deserialize(discovery, IdentityJson.Default.Discovery);
        if (about?.Issuer != access.Issuer) throw new FormatException($"it calls itself {about?.Issuer ?? "nothing"}, and PURSER_OIDC_ISSUER does not.");
        if (!Uri.TryCreate(about.JwksUri, UriKind.Absolute, out var address) || address.Scheme != new Uri(access.Issuer).Scheme)
            throw new FormatException("it names no address of its keys, or one that is less safe than its own.");

        return PublicKey.ReadSet(await Get(address)) ?? throw new FormatException($"{address} is no set of keys.");
    }

    async Task<byte[]> Get(Uri address)
    {
        using var answer = await http.GetAsync(address, CancellationToken.None);
        return answer.StatusCode == HttpStatusCode.OK
            ? await answer.Content.ReadAsByteArrayAsync(CancellationToken.None)
            : throw new FormatException($"{address} answers {(int)answer.StatusCode}.");
    }

    static RefusedException Unreachable() => new(Error.Overloaded("issuer_unavailable", "Nobody can be recognised just now. Try again in a moment."));
}

/// <summary>What an issuer says of itself.</summary>
sealed record Discovery(string? Issuer, string? JwksUri);

static partial class Log
{
    [LoggerMessage(1101, LogLevel.Warning, "The keys of {Issuer} were not fetched: {Why}")]
    public static partial void KeysNotFetched(this ILogger log, string issuer, string why);
}
