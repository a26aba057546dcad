using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>What is common to all that a write answers.</summary>
public abstract record Answer
{
    private protected Answer() { }

    /// <summary>The key had been used for this very request before: nothing happened again, this is the first answer.</summary>
    [JsonIgnore]
    public bool Replayed { get; internal set; }
}

/// <summary>What is common to all that changes something.</summary>
public abstract record Command
{
    private protected Command() { }

    /// <summary>
    /// Names this change for ever, 1 to 255 printable ASCII characters: sent again under the same key, it happens once.
    /// Best made of what it stands for, such as <c>chapter-7f3a</c>. Left out, one is generated for the call and its retries.
    /// </summary>
    [JsonIgnore]
    public string? IdempotencyKey { get; init => field = value is null ? null : Checked.IdempotencyKey(value); }
}

/// <summary>Money as its currency's smallest unit counts it. Credits are not money.</summary>
/// <param name="Minor">Cents, where the currency has them.</param>
/// <param name="Currency">ISO 4217 in lower case: <c>usd</c>, <c>eur</c>, <c>jpy</c>.</param>
public sealed record Money(long Minor, string Currency);

/// <summary>What has nothing to say but which key it is sent under.</summary>
sealed record Nothing : Command;

/// <summary>What is answered without a body.</summary>
sealed record NoAnswer;

sealed record Page<T>
{
    public required IReadOnlyList<T> Data { get; init; }
    public bool HasMore { get; init; }
}

/// <summary>Names are snake_case on the wire; one that a newer server adds reads as the enum's zero, <c>Unknown</c>.</summary>
sealed class Names<T> : JsonConverter<T> where T : struct, Enum
{
    readonly Dictionary<string, T> values = Enum.GetValues<T>().ToDictionary(
        value => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()), StringComparer.Ordinal);

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && values.TryGetValue(reader.GetString()!, out var value)
            ? value
            : default;

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()));
}

/// <summary>Instants leave in UTC, whatever zone they were made in.</summary>
sealed class Instant : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime);
}

sealed class WholeSeconds : JsonConverter<TimeSpan>
{
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TimeSpan.FromSeconds(reader.GetInt64());

    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Ticks / TimeSpan.TicksPerSecond);
}

sealed class Milliseconds : JsonConverter<TimeSpan>
{
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TimeSpan.FromMilliseconds(reader.GetInt64());

    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Ticks / TimeSpan.TicksPerMillisecond);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowReadingFromString,
    Converters = [typeof(Instant), typeof(Names<GrantSource>), typeof(Names<EntryKind>), typeof(Names<HoldState>),
        typeof(Names<Interval>), typeof(Names<Rollover>), typeof(Names<BudgetPeriod>), typeof(Names<CallState>),
        typeof(Names<OrderKind>), typeof(Names<OrderState>), typeof(Names<RefundState>), typeof(Names<SubscriptionStatus>),
        typeof(Names<ChangeWhen>), typeof(Names<CancelWhen>), typeof(Names<RechargeState>)])]
[JsonSerializable(typeof(Customer))]
[JsonSerializable(typeof(CustomerDetails))]
[JsonSerializable(typeof(Page<Customer>))]
[JsonSerializable(typeof(Wallet))]
[JsonSerializable(typeof(NewGrant))]
[JsonSerializable(typeof(Grant))]
[JsonSerializable(typeof(Page<Grant>))]
[JsonSerializable(typeof(NewCharge))]
[JsonSerializable(typeof(ManyCharges))]
[JsonSerializable(typeof(ManyResults))]
[JsonSerializable(typeof(Charge))]
[JsonSerializable(typeof(NewHold))]
[JsonSerializable(typeof(Hold))]
[JsonSerializable(typeof(NewCapture))]
[JsonSerializable(typeof(Capture))]
[JsonSerializable(typeof(Release))]
[JsonSerializable(typeof(NewAdjustment))]
[JsonSerializable(typeof(NewReversal))]
[JsonSerializable(typeof(Reversal))]
[JsonSerializable(typeof(FreezeReason))]
[JsonSerializable(typeof(Freeze))]
[JsonSerializable(typeof(Entry))]
[JsonSerializable(typeof(Page<Entry>))]
[JsonSerializable(typeof(NewEstimate))]
[JsonSerializable(typeof(Estimate))]
[JsonSerializable(typeof(Page<Package>))]
[JsonSerializable(typeof(Page<Plan>))]
[JsonSerializable(typeof(Page<Rate>))]
[JsonSerializable(typeof(Nothing))]
[JsonSerializable(typeof(NoAnswer))]
[JsonSerializable(typeof(NewVirtualKey))]
[JsonSerializable(typeof(VirtualKey))]
[JsonSerializable(typeof(Page<VirtualKey>))]
[JsonSerializable(typeof(SealedKey))]
[JsonSerializable(typeof(Page<ProviderKey>))]
[JsonSerializable(typeof(Call))]
[JsonSerializable(typeof(Page<Call>))]
[JsonSerializable(typeof(CallSums))]
[JsonSerializable(typeof(NewCheckout))]
[JsonSerializable(typeof(Checkout))]
[JsonSerializable(typeof(NewPortal))]
[JsonSerializable(typeof(Portal))]
[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(Page<Order>))]
[JsonSerializable(typeof(NewRefund))]
[JsonSerializable(typeof(Refund))]
[JsonSerializable(typeof(Page<Refund>))]
[JsonSerializable(typeof(PlanChange))]
[JsonSerializable(typeof(Cancellation))]
[JsonSerializable(typeof(Subscription))]
[JsonSerializable(typeof(PlanPreview))]
[JsonSerializable(typeof(Entitlements))]
[JsonSerializable(typeof(NewAutoRecharge))]
[JsonSerializable(typeof(AutoRecharge))]
sealed partial class Wire : JsonSerializerContext;
