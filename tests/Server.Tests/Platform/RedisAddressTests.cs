using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

public sealed class RedisAddressTests
{
    [Theory]
    [InlineData("redis://cache", "cache", 6379, false, null, null, 0)]
    [InlineData("redis://cache:7000/3", "cache", 7000, false, null, null, 3)]
    [InlineData("rediss://:p%40ss:word@cache.example", "cache.example", 6379, true, null, "p@ss:word", 0)]
    [InlineData("rediss://purser:secret@cache.example:6380/", "cache.example", 6380, true, "purser", "secret", 0)]
    [InlineData("redis://secret@cache", "cache", 6379, false, null, "secret", 0)]
    [InlineData("redis://[::1]:6379/0", "::1", 6379, false, null, null, 0)]
    public void It_is_read_as_other_clients_read_it(
        string url, string host, int port, bool tls, string? user, string? password, int database)
    {
        var (address, fault) = RedisAddress.Parse(url);

        Assert.Null(fault);
        Assert.Equal(new RedisAddress(host, port, tls) { User = user, Password = password, Database = database }, address);
    }

    [Theory]
    [InlineData("cache:6379")]
    [InlineData("http://cache:6379")]
    [InlineData("redis://")]
    [InlineData("redis://cache/zero")]
    [InlineData("redis://cache/70000")]
    [InlineData("redis://cache?protocol=3")]
    public void What_cannot_be_meant_is_a_fault(string url) => Assert.NotNull(RedisAddress.Parse(url).Fault);

    [Fact]
    public void Its_password_is_not_printed() =>
        Assert.Equal("cache:6379", RedisAddress.Parse("redis://:secret@cache").Address!.ToString());
}
