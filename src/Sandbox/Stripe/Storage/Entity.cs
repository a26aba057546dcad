using System.Text.Json;

namespace Purser.Sandbox.Stripe.Storage;

/// <summary>
/// One stored object. Those never changed again (events, remembered answers) are held as bytes: they are many.
/// </summary>
sealed class Entity(string id, string kind, long sequence)
{
    JsonObject? body;
    byte[]? frozen;

    public string Id => id;
    public string Kind => kind;
    public long Sequence => sequence;
    public bool Removed { get; set; }
    public List<string> Keys { get; } = [];
    public List<(SortedSet<Timer> Set, Timer Timer)> Timers { get; } = [];

    public JsonObject Body
    {
        get => body ?? (JsonObject)JsonNode.Parse(frozen!)!;
        set
        {
            if (kind is "event" or Kinds.Answer) frozen = JsonSerializer.SerializeToUtf8Bytes(value, Json.Plain);
            else body = value;
        }
    }
}

/// <summary>
/// When something is due on an object: the n-th timer set on a clock, so that equal moments keep their order.
/// </summary>
sealed record Timer(long At, long Order, string Id, string Name) : IComparable<Timer>
{
    public int CompareTo(Timer? other)
    {
        if (other is null) return 1;
        var byTime = At.CompareTo(other.At);
        if (byTime != 0) return byTime;
        var byOrder = Order.CompareTo(other.Order);
        return byOrder != 0 ? byOrder : string.CompareOrdinal(Name, other.Name);
    }
}

/// <summary>The kinds of object that are the sandbox's own.</summary>
static class Kinds
{
    public const string Delivery = "_delivery";
    public const string Answer = "_answer";
    public const string Settings = "_settings";

    /// <summary>References by which objects are looked up often enough to be indexed.</summary>
    public static readonly string[] Indexed =
    [
        "customer", "payment_intent", "charge", "invoice", "subscription", "product", "event", "endpoint",
            "_payment_intent",
        "lookup_key", "_subscription",
    ];
}
