using System.Text;
using Purser.Core.Gateway;

namespace Purser.Core.Tests.Gateway;

public sealed class ServerEventsTests
{
    [Theory]
    [InlineData("data: {}\n\ndata: x", 10, "{}")]
    [InlineData("data: {}\r\n\r\n", 12, "{}")]
    [InlineData("data:{}\n\n", 9, "{}")]
    [InlineData("event: ping\ndata: {\"type\":\"ping\"}\n\n", 35, "{\"type\":\"ping\"}")]
    [InlineData(": keep-alive\n\n", 14, "")]
    [InlineData("data: a\ndata: b\n\n", 17, "a\nb")]
    [InlineData("\n", 1, "")]
    [InlineData("data: {}\n", 0, "")]
    [InlineData("data: {", 0, "")]
    [InlineData("", 0, "")]
    public void The_first_event_ends_with_an_empty_line(string buffer, int length, string data)
    {
        Assert.Equal(length, ServerEvents.First(Encoding.UTF8.GetBytes(buffer), out var found));
        Assert.Equal(data, length == 0 ? "" : Encoding.UTF8.GetString(found));
    }

    [Fact]
    public void Events_come_out_the_same_wherever_the_bytes_are_cut()
    {
        var stream = Encoding.UTF8.GetBytes("event: a\ndata: {\"t\":\"é\"}\n\n: hi\n\ndata: x\r\n\r\ndata: [DONE]\n\n");
        for (var cut = 0; cut <= stream.Length; cut++)
        {
            var events = new List<string>();
            var kept = 0;
            foreach (var end in (int[])[cut, stream.Length])
            {
                while (ServerEvents.First(stream.AsSpan(kept..end), out var data) is > 0 and var length)
                {
                    events.Add(Encoding.UTF8.GetString(data));
                    kept += length;
                }
            }

            Assert.Equal(["{\"t\":\"é\"}", "", "x", "[DONE]"], events);
        }
    }
}
