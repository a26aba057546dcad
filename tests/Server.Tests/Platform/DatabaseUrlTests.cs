using Npgsql;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

public sealed class DatabaseUrlTests
{
    [Theory]
    [InlineData("postgres://ann:secret@db.example:6543/books", "db.example", 6543, "ann", "secret", "books")]
    [InlineData("postgresql://ann@db.example/books", "db.example", 5432, "ann", null, "books")]
    [InlineData("POSTGRES://ann@db.example/books", "db.example", 5432, "ann", null, "books")]
    [InlineData("postgres://db.example", "db.example", 5432, null, null, null)]
    [InlineData("postgres://ann:a%40b%3Ac%2Fd%25@db.example/bo%20oks", "db.example", 5432, "ann", "a@b:c/d%", "bo oks")]
    [InlineData("postgres://ann:a@b@db.example/books", "db.example", 5432, "ann", "a@b", "books")]
    [InlineData("postgres://ann:a:b@db.example/books", "db.example", 5432, "ann", "a:b", "books")]
    [InlineData("postgres://ann:sec;ret=1'@db.example/books", "db.example", 5432, "ann", "sec;ret=1'", "books")]
    [InlineData("postgres://ann@[2001:db8::1]:6543/books", "2001:db8::1", 6543, "ann", null, "books")]
    [InlineData("postgres://ann@%2Fvar%2Frun%2Fpostgresql/books", "/var/run/postgresql", 5432, "ann", null, "books")]
    [InlineData("postgres:///books?host=/run/pg&port=6543&user=ann", "/run/pg", 6543, "ann", null, "books")]
    [InlineData("postgres://db.example?dbname=books&user=ann&password=p%26", "db.example", 5432, "ann", "p&", "books")]
    public void A_url_is_read_as_libpq_reads_it(
        string url, string host, int port, string? user, string? password, string? database)
    {
        var read = Read(url);

        Assert.Equal((host, port, user, password, database),
            (read.Host, read.Port, read.Username, read.Password, read.Database));
    }

    [Theory]
    [InlineData("disable", SslMode.Disable)]
    [InlineData("allow", SslMode.Allow)]
    [InlineData("prefer", SslMode.Prefer)]
    [InlineData("require", SslMode.Require)]
    [InlineData("verify-ca", SslMode.VerifyCA)]
    [InlineData("verify-full", SslMode.VerifyFull)]
    public void Every_sslmode_is_understood(string mode, SslMode expected) =>
        Assert.Equal(expected, Read($"postgres://db.example/books?sslmode={mode}").SslMode);

    [Fact]
    public void Parameters_keep_their_meaning()
    {
        var read = Read("postgres://db.example/books?connect_timeout=7&application_name=till%20one"
            + "&channel_binding=require&sslrootcert=/etc/ca.pem&options=-c%20statement_timeout%3D5s"
            + "&target_session_attrs=read-write");

        Assert.Equal((7, "till one", ChannelBinding.Require, "/etc/ca.pem", "-c statement_timeout=5s"),
            (read.Timeout, read.ApplicationName, read.ChannelBinding, read.RootCertificate, read.Options));
    }

    [Theory]
    [InlineData("mysql://ann@db.example/books", "begin with postgres://")]
    [InlineData("Host=db.example;Database=books", "begin with postgres://")]
    [InlineData("postgres://", "no host")]
    [InlineData("postgres:///books", "no host")]
    [InlineData("postgres://one,two/books", "several hosts")]
    [InlineData("postgres://one:1,two:2/books", "several hosts")]
    [InlineData("postgres:///books?host=one,two", "several hosts")]
    [InlineData("postgres://db.example:99999/books", "port")]
    [InlineData("postgres://db.example:x/books", "port")]
    [InlineData("postgres://db.example:0/books", "port")]
    [InlineData("postgres://[2001:db8::1/books", "closing bracket")]
    [InlineData("postgres://ann:100%@db.example/books", "%25")]
    [InlineData("postgres://db.example/books?sslmode=on", "sslmode")]
    [InlineData("postgres://db.example/books?channel_binding=1", "channel_binding")]
    [InlineData("postgres://db.example/books?channel_binding=", "channel_binding")]
    [InlineData("postgres://db.example/books?connect_timeout=-1", "connect_timeout")]
    [InlineData("postgres://db.example/books?pgbouncer=true", "pgbouncer")]
    [InlineData("postgres://db.example/books?target_session_attrs=standby", "target_session_attrs")]
    public void A_url_that_cannot_be_meant_is_refused_with_the_reason(string url, string reason)
    {
        var (connectionString, fault) = DatabaseUrl.Parse(url);

        Assert.Null(connectionString);
        Assert.Contains(reason, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fault_does_not_give_the_password_away()
    {
        var (_, fault) = DatabaseUrl.Parse("postgres://ann:hunter2@one,two/books");

        Assert.DoesNotContain("hunter2", fault, StringComparison.Ordinal);
    }

    static NpgsqlConnectionStringBuilder Read(string url)
    {
        var (connectionString, fault) = DatabaseUrl.Parse(url);
        Assert.Null(fault);
        return new(connectionString);
    }
}
