using System.Text;

namespace Purser.Client;

/// <summary>
/// What an operation costs that did not come to its end: its work threw or was cancelled, or nobody wanted the rest.
/// </summary>
public enum Unfinished
{
    /// <summary>
    /// What was reported by then; of a model also, for text that came after the last report, a token for each four bytes.
    /// Nothing where nothing came.
    /// </summary>
    ChargeReported,

    /// <summary>Nothing: you bear what your provider charges you.</summary>
    ChargeNothing,

    /// <summary>All that was held, where anything came at all.</summary>
    ChargeHeld,
}

/// <summary>How an operation was paid.</summary>
public sealed record Settlement
{
    /// <summary>Credits that were taken; zero where its hold was released.</summary>
    public required decimal Amount { get; init; }

    /// <summary>Whether more or less of it is a guess, because less was reported than came.</summary>
    public bool Estimated { get; init; }

    /// <summary>The charge, if there was one.</summary>
    public Capture? Charge { get; init; }
}

/// <summary>AI work under way, whose dearest outcome is held. Safe for any number of threads.</summary>
public sealed class Operation : IAsyncDisposable
{
    const int BytesPerToken = 4;

    readonly Lock exclusive = new();
    readonly Holds holds;
    readonly NewHold worst;
    readonly Unfinished unfinished;
    readonly PurserClientOptions options;

    NewCapture? reported;
    bool anything;
    long unreportedBytes;
    Exception? failure;
    bool left;
    Task<Settlement>? settling;

    internal Operation(Holds holds, Hold hold, NewHold worst, Unfinished unfinished, PurserClientOptions options)
    {
        (this.holds, this.worst, this.unfinished, this.options) = (holds, worst, unfinished, options);
        Hold = hold;
    }

    /// <summary>The credits that are reserved for it.</summary>
    public Hold Hold { get; }

    /// <summary>How it was paid; null until it was.</summary>
    public Settlement? Settlement { get; private set; }

    /// <summary>What has been used of the model so far, all of it: it takes the place of what was reported before.</summary>
    /// <param name="usage">In counts that do not overlap.</param>
    /// <param name="serviceTier">The service that the provider gave, where it was another than it was held for.</param>
    public void Report(Usage usage, string? serviceTier = null)
    {
        ArgumentNullException.ThrowIfNull(usage);
        if (worst.Model is null) throw new InvalidOperationException("It was not held for a model.");
        // To say nothing of any count is to say that there was none.
        var said = usage == new Usage() ? new() { InputTokens = 0 } : usage;
        Take(new() { Usage = said, ServiceTier = serviceTier }, usage.HasAnswer);
    }

    /// <summary>How much of the operation has been done so far.</summary>
    /// <param name="quantities">In the units of the catalog.</param>
    public void Report(Dictionary<string, decimal> quantities)
    {
        ArgumentNullException.ThrowIfNull(quantities);
        if (worst.Operation is null) throw new InvalidOperationException("It was not held for an operation of the catalog.");
        Take(new() { Quantities = quantities }, isAnswer: true);
    }

    /// <summary>What it has cost so far, where you know that yourself.</summary>
    /// <param name="credits">Credits, with at most six decimals.</param>
    public void Report(decimal credits)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(credits);
        Take(new() { Amount = credits }, isAnswer: true);
    }

    /// <summary>
    /// Text that the model has produced, as it comes: what it cost is estimated by its length if no usage is reported
    /// behind it. Text that a stream passes on counts by itself.
    /// </summary>
    /// <param name="text">The piece that came.</param>
    public void Received(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        lock (exclusive)
        {
            anything |= text.Length > 0;
            unreportedBytes += Encoding.UTF8.GetByteCount(text);
        }
    }

    /// <summary>
    /// Charges what was reported; of nothing reported what was held, or for a model the estimate by what it produced.
    /// It is not cancelled by anything, tried again under one key, and done once however often it is asked for.
    /// </summary>
    /// <exception cref="UnsettledException">It could not be charged in time.</exception>
    public Task<Settlement> SettleAsync()
    {
        lock (exclusive) return settling ??= Settle(finished: true);
    }

    /// <summary>Settles it as unfinished, where it was not settled before.</summary>
    public async ValueTask DisposeAsync()
    {
        Task<Settlement> settled;
        lock (exclusive)
        {
            // Whoever asked for it before has heard how it went.
            if (settling is { IsFaulted: true }) return;
            settled = settling ??= Settle(finished: false);
        }

        await settled.ConfigureAwait(false);
    }

    /// <summary>Something came that has no length.</summary>
    internal void ReceivedSomething()
    {
        lock (exclusive) anything = true;
    }

    internal void Failed(Exception why, CancellationToken ct)
    {
        lock (exclusive) (failure, left) = (why, ct.IsCancellationRequested);
    }

    void Take(NewCapture report, bool isAnswer)
    {
        lock (exclusive)
        {
            (reported, unreportedBytes) = (report, 0);
            anything |= isAnswer;
        }
    }

    /// <summary>What to take, and whether that is a guess; null for nothing.</summary>
    (NewCapture? What, bool Guessed) Decide(bool finished)
    {
        if (finished)
        {
            return reported is not null ? (reported, false)
                : Estimate() is { } estimate ? (estimate, true)
                : (WhatWasHeld(), false);
        }

        // It failed before it had produced anything: what has gone in is not worth anything to anybody.
        if (!anything && failure is not null && !left) return (null, false);

        return unfinished switch
        {
            Unfinished.ChargeReported => Estimate() is { } estimate ? (estimate, true) : (reported, false),
            Unfinished.ChargeHeld when anything || reported is not null => (WhatWasHeld(), false),
            _ => (null, false),
        };
    }

    // What went in and was not reported counts as what was held for it.
    NewCapture? Estimate()
    {
        if (worst.Usage is not { } most || unreportedBytes == 0 || reported is { Usage: null }) return null;

        var known = reported?.Usage ?? most with { OutputTokens = null, ReasoningTokens = null };
        var tokens = (known.OutputTokens ?? 0) + ((unreportedBytes + BytesPerToken - 1) / BytesPerToken);
        var limit = Math.Max(most.OutputTokens ?? long.MaxValue, known.OutputTokens ?? 0);
        return new() { Usage = known with { OutputTokens = Math.Min(tokens, limit) }, ServiceTier = reported?.ServiceTier };
    }

    NewCapture WhatWasHeld() => new()
    {
        Amount = worst.Amount,
        Usage = worst.Usage,
        ServiceTier = worst.ServiceTier,
        Quantities = worst.Operation is null ? null : worst.Quantities ?? [],
    };

    async Task<Settlement> Settle(bool finished)
    {
        var (what, guessed) = Decide(finished);
        // The caller may be gone, and the provider wants its money all the same: this has a patience of its own.
        using var patience = new CancellationTokenSource(options.SettleTimeout, options.TimeProvider);
        if (what is null)
        {
            await Release(patience.Token).ConfigureAwait(false);
            return Settlement = new() { Amount = 0 };
        }

        var capture = what with { IdempotencyKey = $"settle.{Hold.Id}" };
        try
        {
            var charge = await Capture(capture, patience.Token).ConfigureAwait(false);
            return Settlement = new() { Amount = charge.Amount, Estimated = guessed, Charge = charge };
        }
        catch (Exception e) when (e is PurserException or OperationCanceledException)
        {
            throw new UnsettledException(Hold, capture, failure is null ? e : new AggregateException(failure, e));
        }
    }

    async Task<Capture> Capture(NewCapture capture, CancellationToken ct)
    {
        for (var pause = TimeSpan.FromSeconds(1); ; pause *= 2)
        {
            try
            {
                return await holds.CaptureAsync(Hold.Id, capture, ct).ConfigureAwait(false);
            }
            catch (PurserException e) when (MayPass(e))
            {
                await Task.Delay(pause, options.TimeProvider, ct).ConfigureAwait(false);
            }
        }
    }

    static bool MayPass(PurserException e) =>
        e is TransportException { Code: not TransportException.UnreadableAnswer } or OverloadedException or ServerErrorException
            or RateLimitedException;

    // One that does not succeed is no loss: the hold ends by itself.
    async Task Release(CancellationToken ct)
    {
        try
        {
            await holds.ReleaseAsync(Hold.Id, cancellationToken: ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is PurserException or OperationCanceledException)
        {
        }
    }
}

/// <summary>
/// Work was done and could not be charged: the server refused it, or did not answer for as long as
/// <see cref="PurserClientOptions.SettleTimeout"/>. Keep <see cref="Hold"/> and <see cref="Charge"/>, and capture later.
/// </summary>
public sealed class UnsettledException : Exception
{
    internal UnsettledException(Hold hold, NewCapture charge, Exception cause)
        : base($"The operation was not charged. Capture hold {hold.Id} later: {cause.Message}", cause) =>
        (Hold, Charge) = (hold, charge);

    /// <summary>The hold, which may still stand.</summary>
    public Hold Hold { get; }

    /// <summary>What was to be taken from it, under the key under which it was tried: made again, it happens once.</summary>
    public NewCapture Charge { get; }
}
