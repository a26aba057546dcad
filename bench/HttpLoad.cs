using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Purser.Bench;

/// <summary>
/// Charges over keep-alive connections, each with a key of its own. Sockets and bytes only: on two cores a comfortable
/// client would take more of the machine than the server that is measured.
/// </summary>
sealed class HttpLoad(Uri server, string key, int wallets)
{
    public sealed record Result(long Count, double Seconds, double P50Ms, double P99Ms);

    public static async Task Run(string[] arguments)
    {
        var load = new HttpLoad(new(arguments[0]), arguments[1], int.Parse(arguments[3], CultureInfo.InvariantCulture));
        var connections = int.Parse(arguments[2], CultureInfo.InvariantCulture);
        var duration = TimeSpan.FromSeconds(double.Parse(arguments[4], CultureInfo.InvariantCulture));
        // A server's first seconds under load are its compiler's.
        await Measured.Run("http warm-up", connections, duration, load.Charges, warmUp: false);
        Console.WriteLine("warm");
        var row = await Measured.Run("http", connections, duration, load.Charges, warmUp: false);
        Console.WriteLine(JsonSerializer.Serialize(new Result(row.Count, row.Took.TotalSeconds, row.P50Ms, row.P99Ms)));
    }

    Func<CancellationToken, Task<int>> Charges()
    {
        var random = new Random();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(server.Host, server.Port);
        var buffer = new byte[4096];
        return async ct =>
        {
            await socket.SendAsync(Request(random), ct);
            await ReadAnswer(socket, buffer, ct);
            return 1;
        };
    }

    byte[] Request(Random random)
    {
        const string Body = """{"amount":0.001,"reason":"bench"}""";
        return Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"""
            POST /v1/customers/{Engine.Name(random.Next(wallets))}/charges HTTP/1.1
            Host: {server.Authority}
            Authorization: Bearer {key}
            Idempotency-Key: {Guid.CreateVersion7()}
            Content-Type: application/json
            Content-Length: {Body.Length}

            {Body}
            """).ReplaceLineEndings("\r\n"));
    }

    static async Task ReadAnswer(Socket socket, byte[] buffer, CancellationToken ct)
    {
        var read = 0;
        while (true)
        {
            var now = await socket.ReceiveAsync(buffer.AsMemory(read), ct);
            if (now == 0) throw new IOException("The server closed the connection.");

            read += now;
            if (!IsWhole(buffer.AsSpan(0, read))) continue;
            if (!buffer.AsSpan().StartsWith("HTTP/1.1 201"u8))
                throw new IOException($"A charge was not made: {Encoding.ASCII.GetString(buffer, 0, read)}");

            return;
        }
    }

    // The answers are small and come in one chunk, or with their length.
    static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var headers = answer.IndexOf("\r\n\r\n"u8);
        if (headers < 0) return false;

        const string Length = "Content-Length: ";
        var length = answer[..headers].IndexOf(Encoding.ASCII.GetBytes(Length));
        if (length < 0) return answer.EndsWith("0\r\n\r\n"u8);

        var digits = answer[(length + Length.Length)..];
        return answer.Length == headers + 4 + int.Parse(digits[..digits.IndexOf((byte)'\r')], CultureInfo.InvariantCulture);
    }
}
