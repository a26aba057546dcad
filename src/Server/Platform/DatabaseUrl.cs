using System.Globalization;
using Npgsql;

namespace Purser.Server.Platform;

/// <summary>
/// Turns a postgres:// URL, as libpq and every hosting platform write it, into Npgsql's connection string.
/// System.Uri is of no use: it rewrites what it reads, and refuses a socket folder as host.
/// </summary>
static class DatabaseUrl
{
    /// <summary>
    /// The connection string, or the fault in words. No word of it repeats the URL, which holds a password.
    /// </summary>
    public static (string? ConnectionString, string? Fault) Parse(string url)
    {
        try
        {
            return (Read(url).ConnectionString, null);
        }
        catch (FormatException fault)
        {
            return (null, fault.Message);
        }
    }

    static NpgsqlConnectionStringBuilder Read(string url)
    {
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0 || url[..scheme].ToLowerInvariant() is not ("postgres" or "postgresql"))
            throw new FormatException("must begin with postgres:// or postgresql://");

        var (rest, query) = Cut(url[(scheme + 3)..].Split('#')[0], '?');
        var (authority, path) = Cut(rest, '/');
        // A password may hold an unescaped @, a host never does: the last one ends the credentials.
        var at = authority.LastIndexOf('@');
        var built = new NpgsqlConnectionStringBuilder();
        if (at >= 0) ReadCredentials(built, authority[..at]);
        ReadHost(built, authority[(at + 1)..]);
        if (path.Length > 0) built.Database = Decode(path);

        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = Cut(pair, '=');
            ReadParameter(built, Decode(name), Decode(value));
        }

        if (string.IsNullOrEmpty(built.Host)) throw new FormatException("names no host");
        return built;
    }

    static void ReadCredentials(NpgsqlConnectionStringBuilder built, string credentials)
    {
        var (user, password) = Cut(credentials, ':');
        if (user.Length > 0) built.Username = Decode(user);
        if (password.Length > 0) built.Password = Decode(password);
    }

    static void ReadHost(NpgsqlConnectionStringBuilder built, string host)
    {
        if (host.Contains(',')) throw SeveralHosts();

        string port;
        if (host.StartsWith('['))
        {
            var end = host.IndexOf(']');
            if (end < 0) throw new FormatException("has an IPv6 address without its closing bracket");
            (host, port) = (host[1..end], host[(end + 1)..].TrimStart(':'));
        }
        else
        {
            (host, port) = Cut(host, ':');
        }

        if (host.Length > 0) built.Host = Decode(host);
        if (port.Length > 0) built.Port = Port(port);
    }

    static void ReadParameter(NpgsqlConnectionStringBuilder built, string name, string value)
    {
        switch (name)
        {
            case "host": built.Host = value.Contains(',') ? throw SeveralHosts() : value; break;
            case "port": built.Port = Port(value); break;
            case "user": built.Username = value; break;
            case "password": built.Password = value; break;
            case "dbname": built.Database = value; break;
            case "sslmode": built.SslMode = Tls(value); break;
            case "sslrootcert": built.RootCertificate = value; break;
            case "sslcert": built.SslCertificate = value; break;
            case "sslkey": built.SslKey = value; break;
            case "sslpassword": built.SslPassword = value; break;
            case "sslnegotiation": built.SslNegotiation = Choice<SslNegotiation>(name, value); break;
            case "gssencmode": built.GssEncryptionMode = Choice<GssEncryptionMode>(name, value); break;
            case "channel_binding": built.ChannelBinding = Choice<ChannelBinding>(name, value); break;
            case "connect_timeout": built.Timeout = Seconds(name, value); break;
            case "application_name": built.ApplicationName = value; break;
            case "options": built.Options = value; break;
            case "search_path": built.SearchPath = value; break;
            // With one host there is nothing to choose between, so these two ask for what already is.
            case "target_session_attrs" when value is "any" or "read-write" or "primary": break;
            default: throw new FormatException($"has a parameter that is not known here: {name}");
        }
    }

    static SslMode Tls(string value) => value switch
    {
        "disable" => SslMode.Disable,
        "allow" => SslMode.Allow,
        "prefer" => SslMode.Prefer,
        "require" => SslMode.Require,
        "verify-ca" => SslMode.VerifyCA,
        "verify-full" => SslMode.VerifyFull,
        _ => throw new FormatException(
            "has an sslmode that is not disable, allow, prefer, require, verify-ca or verify-full"),
    };

    static T Choice<T>(string name, string value) where T : struct, Enum =>
        Enum.TryParse<T>(value, ignoreCase: true, out var choice) && !char.IsDigit(value[0])
            ? choice
            : throw new FormatException(
                $"has a {name} that is not one of {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}");

    static int Seconds(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= 1024
            ? seconds
            : throw new FormatException($"has a {name} that is not a number of seconds up to 1024");

    static int Port(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535
            ? port
            : throw new FormatException("has a port that is not a number from 1 to 65535");

    static FormatException SeveralHosts() =>
        new("names several hosts; name one, and leave failover to an address or a proxy that follows the primary");

    static string Decode(string text)
    {
        for (var at = text.IndexOf('%'); at >= 0; at = text.IndexOf('%', at + 1))
        {
            if (at + 2 >= text.Length || !char.IsAsciiHexDigit(text[at + 1]) || !char.IsAsciiHexDigit(text[at + 2]))
                throw new FormatException("has a % that is not followed by two hexadecimal digits; write it as %25");
        }

        return Uri.UnescapeDataString(text);
    }

    static (string Before, string After) Cut(string text, char separator)
    {
        var at = text.IndexOf(separator);
        return at < 0 ? (text, "") : (text[..at], text[(at + 1)..]);
    }
}
