namespace Purser.Client;

/// <summary>Where the server is, the key to it, and how patient to be with it.</summary>
public sealed class PurserClientOptions
{
    /// <summary>Where a server that <c>./purser up</c> started listens.</summary>
    internal static readonly Uri Local = new("http://127.0.0.1:5080");

    static readonly TimeSpan LongestTimeout = TimeSpan.FromDays(1);
    const int MostRetries = 10;

    /// <summary>
    /// The server's address, with the path it lives under if it has one.
    /// Left out, it is the given <see cref="HttpClient"/>'s, or else <c>http://127.0.0.1:5080</c>.
    /// </summary>
    public Uri? BaseAddress { get; init; }

    /// <summary>The admin key or a server key. The public lists of packages, plans and rates need none.</summary>
    public string? Key { get; init; }

    /// <summary>How often a call is tried again after its first attempt, 0 to 10. Default 3.</summary>
    public int Retries { get; init; } = 3;

    /// <summary>How long one attempt may take. Default 10 seconds.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a call may take with all its attempts and the pauses between them. Default 45 seconds.
    /// A pause that would not fit, because the server asked for a longer one, ends the call at once.
    /// </summary>
    public TimeSpan TotalTimeout { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>
    /// How long it is tried to charge for an operation that is over, whoever is still there to wait. Default 2 minutes.
    /// </summary>
    public TimeSpan SettleTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The clock of timeouts, pauses and generated keys.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(TimeProvider);
        ArgumentOutOfRangeException.ThrowIfNegative(Retries);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Retries, MostRetries);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Timeout, LongestTimeout);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(TotalTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(TotalTimeout, LongestTimeout);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(SettleTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(SettleTimeout, LongestTimeout);
        // The key itself stays out of the message: exceptions end up in logs.
        if (Key is { } key && !key.AsSpan().IsToken())
            throw new ArgumentException("The key is empty or has characters that no key has.", nameof(Key));
    }
}
