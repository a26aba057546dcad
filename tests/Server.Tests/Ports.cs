using System.Net;
using System.Net.Sockets;

namespace Purser.Server.Tests;

static class Ports
{
    /// <summary>A port that was free a moment ago, for what cannot choose one itself.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
