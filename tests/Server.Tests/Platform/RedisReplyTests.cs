using System.Buffers;
using System.Text;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

public sealed class RedisReplyTests
{
    [Fact]
    public void Replies_are_read_one_after_the_other()
    {
        var received = Bytes("+OK\r\n:-12\r\n$5\r\nh\r\nlo\r\n$-1\r\n*2\r\n:1\r\n*1\r\n$0\r\n\r\n-NOSCRIPT No matching script\r\n*-1\r\n");

        var replies = new List<RedisReply>();
        while (RedisReply.Take(ref received) is { } reply) replies.Add(reply);

        Assert.Equal(0, received.Length);
        Assert.Equal(
            [new RedisReply.Text("OK"), new RedisReply.Number(-12), new RedisReply.Text("h\r\nlo"), new RedisReply.Nothing()],
            replies[..4]);
        var many = Assert.IsType<RedisReply.Many>(replies[4]);
        Assert.Equal(new RedisReply.Number(1), many.Values[0]);
        Assert.Equal([new RedisReply.Text("")], Assert.IsType<RedisReply.Many>(many.Values[1]).Values);
        Assert.True(Assert.IsType<RedisReply.Error>(replies[5]).Is("NOSCRIPT"));
        Assert.IsType<RedisReply.Nothing>(replies[6]);
    }

    [Fact]
    public void What_is_not_all_there_waits_for_the_rest()
    {
        const string Whole = "*3\r\n:1234\r\n$3\r\nabc\r\n+x\r\n";
        for (var length = 0; length < Whole.Length; length++)
        {
            var part = Bytes(Whole[..length]);
            Assert.Null(RedisReply.Take(ref part));
            Assert.Equal(length, part.Length);
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n")]
    [InlineData("\r\n")]
    [InlineData(":12a\r\n")]
    [InlineData(":\r\n")]
    [InlineData("$3\r\nabcde\r\n")]
    [InlineData("$-2\r\n")]
    [InlineData("$99999999999\r\n")]
    [InlineData("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n")]
    public void What_Redis_never_says_is_not_believed(string said)
    {
        var received = Bytes(said);

        Assert.Throws<InvalidDataException>(() => RedisReply.Take(ref received));
    }

    [Fact]
    public void A_command_is_counted_in_bytes() => Assert.Equal(
        "*2\r\n$4\r\nAUTH\r\n$7\r\nschön\n\r\n", Encoding.UTF8.GetString(RedisConnection.Written("AUTH", "schön\n")));

    static ReadOnlySequence<byte> Bytes(string text) => new(Encoding.UTF8.GetBytes(text));
}
