using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Purser.Server.Tests.Ledger;

/// <summary>
/// A way to PostgreSQL on which things get lost: a request that never arrives, or the answer to one that was carried out.
/// </summary>
sealed class LossyWay : IAsyncDisposable
{
    readonly TcpListener listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource end = new();
    readonly NpgsqlConnectionStringBuilder to;
    readonly Task accepting;
    int requestsUntilLoss;
    int losesInsert;

    public LossyWay(string connectionString)
    {
        to = new(connectionString);
        listener.Start();
        ConnectionString = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Host = "127.0.0.1",
            Port = ((IPEndPoint)listener.LocalEndpoint).Port,
        }.ConnectionString;
        accepting = Accept();
    }

    public string ConnectionString { get; }

    /// <summary>How often something was lost.</summary>
    public int Losses { get; private set; }

    /// <summary>The connection breaks before the request arrives that comes after so many others.</summary>
    public void LoseRequest(int after) => Volatile.Write(ref requestsUntilLoss, after + 1);

    /// <summary>The connection breaks once the next row was inserted, before anybody is told.</summary>
    public void LoseAnswerToInsert() => Volatile.Write(ref losesInsert, 1);

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        listener.Stop();
        await accepting;
        end.Dispose();
        listener.Dispose();
    }

    async Task Accept()
    {
        var running = new List<Task>();
        try
        {
            while (true) running.Add(Carry(await listener.AcceptSocketAsync(end.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(running);
        }
    }

    async Task Carry(Socket client)
    {
        using var server = await Connect();
        using (client)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(end.Token);
            var there = Pump(client, server, IsLostRequest, either.Token);
            var back = Pump(server, client, IsLostAnswer, either.Token);
            await Task.WhenAny(there, back);
            await either.CancelAsync();
            await Task.WhenAll(there, back);
        }
    }

    async Task<Socket> Connect()
    {
        var unix = to.Host!.StartsWith('/');
        var socket = unix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        EndPoint end = unix ? new UnixDomainSocketEndPoint($"{to.Host}/.s.PGSQL.{to.Port}") : new DnsEndPoint(to.Host, to.Port);
        await socket.ConnectAsync(end);
        return socket;
    }

    static async Task Pump(Socket from, Socket to, Func<ReadOnlyMemory<byte>, bool> isLost, CancellationToken ct)
    {
        var buffer = new byte[65_536];
        try
        {
            while (await from.ReceiveAsync(buffer, ct) is > 0 and var read)
            {
                if (isLost(buffer.AsMemory(0, read))) return;
                await to.SendAsync(buffer.AsMemory(0, read), ct);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // One side has gone, and takes the other with it.
        }
    }

    // A sync ends what is sent in one go.
    bool IsLostRequest(ReadOnlyMemory<byte> bytes)
    {
        if (requestsUntilLoss == 0 || !bytes.Span.EndsWith("S\0\0\0\u0004"u8)) return false;

        return --requestsUntilLoss == 0 && Lost();
    }

    // What comes last of a transaction says that it was committed.
    bool IsLostAnswer(ReadOnlyMemory<byte> bytes) =>
        losesInsert == 1 && bytes.Span.IndexOf("INSERT 0 1"u8) >= 0 && bytes.Span.EndsWith("Z\0\0\0\u0005I"u8) && Lost();

    bool Lost()
    {
        losesInsert = 0;
        Losses++;
        return true;
    }
}
