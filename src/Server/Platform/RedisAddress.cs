using System.Globalization;

namespace Purser.Server.Platform;

/// <summary>Where a Redis is, and how it is entered.</summary>
sealed record RedisAddress(string Host, int Port, bool Tls)
{
    const int UsualPort = 6379;
    const int HighestDatabase = 65_535;

    public string? User { get; init; }

    public string? Password { get; init; }

    public int Database { get; init; }

    /// <summary>Reads redis://user:password@host:port/database, or rediss:// for TLS; or says what is wrong with it.</summary>
    public static (RedisAddress? Address, string? Fault) Parse(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("redis" or "rediss") || uri.Host.Length == 0)
            return (null, "must be redis://host:6379 or rediss://user:password@host:6379/0");
        if (uri.Query.Length > 0 || uri.Fragment.Length > 0) return (null, "has parameters; only host, port, user, password and database are known");

        var database = 0;
        if (uri.AbsolutePath.Trim('/') is { Length: > 0 } path
            && (!int.TryParse(path, NumberStyles.None, CultureInfo.InvariantCulture, out database) || database > HighestDatabase))
            return (null, "ends in a path that is not the number of a database");

        // One part alone is the password: that is how redis-cli reads it.
        var colon = uri.UserInfo.IndexOf(':', StringComparison.Ordinal);
        return (new(uri.DnsSafeHost, uri.Port > 0 ? uri.Port : UsualPort, uri.Scheme == "rediss")
        {
            User = colon > 0 ? Uri.UnescapeDataString(uri.UserInfo[..colon]) : null,
            Password = uri.UserInfo.Length > colon + 1 ? Uri.UnescapeDataString(uri.UserInfo[(colon + 1)..]) : null,
            Database = database,
        }, null);
    }

    // A record would print its members, and one of these is a password.
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}
