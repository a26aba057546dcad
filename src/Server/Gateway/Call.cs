using System.Diagnostics;
using Purser.Core;
using Purser.Core.Gateway;
using Purser.Core.Ledger;
using Purser.Core.Pricing;

namespace Purser.Server.Gateway;

/// <summary>One attempt at one provider, from its hold to its settlement. A fallback is a call of its own.</summary>
sealed class Call(VirtualKey key, CallRequest request, Target target, RateCard rates, DateTimeOffset startedAt)
{
    readonly long started = Stopwatch.GetTimestamp();
    long firstByte;

    public VirtualKey Key => key;

    public CallRequest Request => request;

    public Target Target => target;

    public DateTimeOffset StartedAt => startedAt;

    /// <summary>The customer's own key at the provider: then only the base fee is charged.</summary>
    public string? OwnKey { get; init; }

    /// <summary>The call that this one takes the place of.</summary>
    public long? FallbackOf { get; init; }

    /// <summary>Of the sound that is to be written down.</summary>
    public SoundLength Sound { get; init; }

    public HoldId Hold { get; set; }

    public Credits Held { get; set; }

    /// <summary>What a guess of ours may come to: what is held, or would be were charging on.</summary>
    public Credits AtMost { get; set; }

    /// <summary>Charging was off when it began or when it ended: nothing is taken.</summary>
    public bool Uncharged { get; set; }

    /// <summary>Tokens that the forwarded limit was lowered to, for one answer.</summary>
    public long? LimitedTo { get; set; }

    public AnswerReader Answer { get; } = new(request.Wire);

    public int? ProviderStatus { get; set; }

    public string? ProviderRequest { get; set; }

    /// <summary>Set once, by the settlement.</summary>
    public MeterCounts? Used { get; set; }

    public Credits Charged { get; set; }

    /// <summary>Its settlement: whether the ledger has decided on it.</summary>
    public Task<bool> Settled { get; set; } = Task.FromResult(false);

    public string Model => target.Card.Rate.FullName;

    public PricedCall Priced => new(rates, target.Card, startedAt, OwnKey is not null, AtMost);

    public CallId Id => new(Hold.Wallet, Hold.Number);

    public long UsedTokens => Used is null ? 0 : Used.PromptTokens + Used.AnswerTokens;

    public bool Streams => request.Stream;

    /// <summary>
    /// Whether the provider is left when the caller leaves. Not where it goes on all the same, and not where what came does not tell
    /// what it has produced: pictures, speech, thoughts that are not shown.
    /// </summary>
    public bool EndsWithCaller => Streams
        && target.Provider.Facts.Disconnect == Disconnect.Cancel
        && request is { Wire: not Wire.Images, Speaks: false }
        && !target.Provider.Facts.ThinksUnseen(target.Name);

    public TimeSpan Took => Stopwatch.GetElapsedTime(started);

    public TimeSpan? FirstByteAfter => firstByte == 0 ? null : Stopwatch.GetElapsedTime(started, firstByte);

    /// <summary>What the provider has told so far, as it is charged.</summary>
    public MeterCounts? Told => Reporting.Told(request, target.Card, Answer, Sound.ExactSeconds, startedAt);

    public MeterCounts GuessedInput => Reporting.Guess(request, target.Card, Sound.MostSeconds, Answer.Searches, startedAt);

    public CallRow Row(Ending ending) => new(Hold, key.Id, request.Wire, Model, startedAt)
    {
        Stream = Streams,
        OwnKey = OwnKey is not null,
        Ending = ending,
        Held = Held,
        Used = Used,
        ServiceTier = Answer.Usage?.ServiceTier,
        LimitedTo = LimitedTo,
        FallbackOf = FallbackOf,
        ProviderStatus = ProviderStatus,
        ProviderRequest = ProviderRequest,
        FirstByteAfter = FirstByteAfter,
        Took = Took,
    };

    public void SawFirstByte()
    {
        if (firstByte == 0) firstByte = Stopwatch.GetTimestamp();
    }

    /// <summary>What the provider is sent: the caller's body, and the few bytes that differ.</summary>
    public EditedBody Outgoing(ReadOnlyMemory<byte> body, string contentType)
    {
        var asksForUsage = request is { Stream: true, Wire: Wire.ChatCompletions } && target.Provider.Facts.AskedForUsage;
        var edits = Edits.InOrder(
            Edits.Model(request, target.Name),
            asksForUsage ? Edits.Usage(request) : null,
            LimitedTo is { } tokens ? Edits.Limit(request, LimitMember, tokens) : null);
        return new(body, edits, contentType);
    }

    string LimitMember => request.Wire == Wire.Responses ? "max_output_tokens" : target.Provider.Facts.LimitMember;
}
