using System.Globalization;
using System.Security.Cryptography;

namespace Purser.Server.Platform;

/// <summary>Names for requests: what this process drew at its start, and a number. Random ones would cost a call to the kernel each.</summary>
static class RequestIds
{
    static readonly string Process = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    static long last;

    public static string Next() =>
        string.Create(CultureInfo.InvariantCulture, $"req_{Process}{Interlocked.Increment(ref last):x10}");
}
