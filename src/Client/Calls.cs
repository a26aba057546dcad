using System.Globalization;
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>AI calls that were made through the gateway. Of what was said in them nothing is kept.</summary>
public sealed class Calls
{
    readonly Transport transport;

    internal Calls(Transport transport) => this.transport = transport;

    /// <summary>One call: what was held, used and charged, and why.</summary>
    /// <param name="call">Its id, as the answer's header <c>Purser-Call-Id</c> tells it.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Call> GetAsync(string call, CancellationToken cancellationToken = default) =>
        transport.Get($"v1/calls/{Checked.Segment(call)}", Wire.Default.Call, cancellationToken);

    /// <summary>The customer's calls that have ended, newest first.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="key">The id of a key, for those that were made with it.</param>
    /// <param name="after">The id of the call after which to go on; left out, from the newest.</param>
    /// <param name="pageSize">How many to ask for at a time, 1 to 500.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public IAsyncEnumerable<Call> ListAsync(
        string customer, string? key = null, string? after = null, int pageSize = 100,
        CancellationToken cancellationToken = default)
    {
        var ofKey = key is null ? "" : $"?key={Checked.Segment(key)}";
        return transport.List(
            $"v1/customers/{Checked.Segment(customer)}/calls{ofKey}",
            new(after, pageSize), Wire.Default.PageCall, call => call.Id, cancellationToken);
    }

    /// <summary>What the customer's calls of some days come to.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="asked">Which days, and by what to tell the sums apart; left out, one sum of the last thirty days.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<CallSums> SumAsync(
        string customer, SumsOf? asked = null, CancellationToken cancellationToken = default) => transport.Get(
            $"v1/customers/{Checked.Segment(customer)}/usage{(asked ?? new()).Query()}",
            Wire.Default.CallSums, cancellationToken);
}

/// <summary>How a call stands, or how it came to its end.</summary>
public enum CallState
{
    /// <summary>A state that this client is too old to know.</summary>
    Unknown,

    /// <summary>It is under way.</summary>
    Running,

    /// <summary>The whole answer arrived.</summary>
    Finished,

    /// <summary>The provider answered with an error; nothing was charged.</summary>
    ProviderRefused,

    /// <summary>The provider could not be reached, or said nothing in time; nothing was charged.</summary>
    ProviderSilent,

    /// <summary>The provider's answer broke off, or ended in an error.</summary>
    ProviderFailed,

    /// <summary>The caller went before the answer was whole.</summary>
    CallerLeft,

    /// <summary>The server that made the call is gone.</summary>
    ServerLost,
}

/// <summary>One AI call through the gateway: one attempt at one model. A fallback is a call of its own.</summary>
public sealed record Call
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>The id of the key it was made with.</summary>
    public string? Key { get; init; }

    /// <summary>How it stands, or how it came to its end.</summary>
    public CallState State { get; init; }

    /// <summary>What was called: <c>chat_completions</c>, <c>responses</c>, <c>messages</c>, …</summary>
    public string? Api { get; init; }

    /// <summary>The model, as <c>provider/model</c>.</summary>
    public string? Model { get; init; }

    /// <summary>Whether the answer came bit by bit.</summary>
    public bool Stream { get; init; }

    /// <summary>Whether it went out under the customer's own key at the provider.</summary>
    public bool OwnKey { get; init; }

    /// <summary>The dearest it could have come to, which was reserved.</summary>
    public decimal Held { get; init; }

    /// <summary>What it cost.</summary>
    public decimal Charged { get; init; }

    /// <summary>What it cost beyond what was there.</summary>
    public decimal Shortfall { get; init; }

    /// <summary>Whether the usage is a guess, because the provider told none or not all of it.</summary>
    public bool Estimated { get; init; }

    /// <summary>What was used, in counts that do not overlap.</summary>
    public Usage? Usage { get; init; }

    /// <summary>The service that the provider gave, where it was not the ordinary one.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>Tokens that its answer was limited to, because no more was there to pay for.</summary>
    public long? LimitedTo { get; init; }

    /// <summary>The id of the call it took the place of.</summary>
    public string? FallbackOf { get; init; }

    /// <summary>The HTTP status of the provider, where it answered.</summary>
    public int? ProviderStatus { get; init; }

    /// <summary>The provider's own name for the call.</summary>
    public string? ProviderRequest { get; init; }

    /// <summary>When it began.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>After how long the answer began.</summary>
    [JsonPropertyName("first_byte_ms"), JsonConverter(typeof(Milliseconds))]
    public TimeSpan? FirstByteAfter { get; init; }

    /// <summary>How long it took.</summary>
    [JsonPropertyName("took_ms"), JsonConverter(typeof(Milliseconds))]
    public TimeSpan? Took { get; init; }

    /// <summary>The id of its line in the ledger, if anything was charged.</summary>
    public string? Entry { get; init; }

    /// <summary>How the amount came about.</summary>
    public Quote? Quote { get; init; }
}

/// <summary>By what sums of calls are told apart.</summary>
[Flags]
public enum SumsBy
{
    /// <summary>One sum of all.</summary>
    Nothing = 0,

    /// <summary>One for each model.</summary>
    Model = 1,

    /// <summary>One for each day, of UTC.</summary>
    Day = 2,

    /// <summary>One for each key.</summary>
    Key = 4,
}

/// <summary>Which sums of calls are asked for.</summary>
public sealed record SumsOf
{
    /// <summary>The first day, of UTC; left out, thirty days in all.</summary>
    public DateOnly? From { get; init; }

    /// <summary>The last day, of UTC; left out, today.</summary>
    public DateOnly? To { get; init; }

    /// <summary>By what they are told apart: <c>SumsBy.Model | SumsBy.Day</c>.</summary>
    public SumsBy By { get; init; }

    internal string Query()
    {
        string?[] parts =
        [
            From is { } from ? $"from={Text(from)}" : null,
            To is { } to ? $"to={Text(to)}" : null,
            By == SumsBy.Nothing ? null : $"group_by={By.ToString().Replace(", ", ",", StringComparison.Ordinal).ToLowerInvariant()}",
        ];
        var given = string.Join('&', parts.OfType<string>());
        return given.Length == 0 ? "" : $"?{given}";
    }

    static string Text(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}

/// <summary>What calls of some days come to.</summary>
public sealed record CallSums
{
    /// <summary>The first day.</summary>
    public DateOnly From { get; init; }

    /// <summary>The last day.</summary>
    public DateOnly To { get; init; }

    /// <summary>The sums, by day and then the dearest first.</summary>
    public IReadOnlyList<CallSum> Data { get => field ?? []; init; }

    /// <summary>All of it.</summary>
    public required CallSum Total { get; init; }
}

/// <summary>What some calls come to.</summary>
public sealed record CallSum
{
    /// <summary>Of this model, where models are told apart.</summary>
    public string? Model { get; init; }

    /// <summary>Of this day, where days are told apart.</summary>
    public DateOnly? Day { get; init; }

    /// <summary>Of the key of this id, where keys are told apart.</summary>
    public string? Key { get; init; }

    /// <summary>How many they are.</summary>
    public long Calls { get; init; }

    /// <summary>Tokens that went in, cached ones included.</summary>
    public long PromptTokens { get; init; }

    /// <summary>Tokens of those that were read from providers' caches.</summary>
    public long CachedTokens { get; init; }

    /// <summary>Tokens that came out.</summary>
    public long AnswerTokens { get; init; }

    /// <summary>What they cost.</summary>
    public required decimal Charged { get; init; }
}
