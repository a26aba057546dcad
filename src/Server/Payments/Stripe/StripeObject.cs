using System.Text.Json;

namespace Purser.Server.Payments.Stripe;

/// <summary>
/// Something that Stripe sent, read tolerantly: members may be missing or null, unknown ones are no concern of ours,
/// and a reference may be an id or the whole object.
/// </summary>
readonly struct StripeObject(JsonElement json)
{
    public string Id => Text("id") ?? throw new FormatException("Stripe sent an object without an id.");

    public string? MaybeId => Text("id");

    public JsonElement Json => json;

    /// <summary>What Stripe sends in the place of an object that is gone: <c>deleted: true</c>, with status 200.</summary>
    public bool Deleted => Flag("deleted") ?? false;

    public bool Livemode => Flag("livemode") ?? false;

    public string? Text(string name) => Member(name) is { ValueKind: JsonValueKind.String } member ? member.GetString() : null;

    public long? Number(string name) =>
        Member(name) is { ValueKind: JsonValueKind.Number } member && member.TryGetInt64(out var number) ? number : null;

    public bool? Flag(string name) => Member(name)?.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    public DateTimeOffset? Instant(string name) =>
        Number(name) is { } seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;

    /// <summary>The id of what is referred to, expanded or not.</summary>
    public string? Reference(string name) => Text(name) ?? Child(name)?.Text("id");

    public StripeObject? Child(string name) =>
        Member(name) is { ValueKind: JsonValueKind.Object } member ? new StripeObject(member) : null;

    /// <summary>The members of a list, whether it is an array or one of Stripe's lists with <c>data</c>.</summary>
    public IReadOnlyList<StripeObject> Items(string name)
    {
        var member = Member(name);
        if (member is { ValueKind: JsonValueKind.Object } list && list.TryGetProperty("data", out var data)) member = data;
        return member is { ValueKind: JsonValueKind.Array } array
            ? [.. array.EnumerateArray().Select(one => new StripeObject(one))]
            : [];
    }

    public IReadOnlyList<string> Strings(string name) => Member(name) is { ValueKind: JsonValueKind.Array } array
        ? [.. array.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.String).Select(one => one.GetString()!)]
        : [];

    /// <summary>The first of a list; one without members where there is none.</summary>
    public StripeObject First(string name) => Items(name) is [var first, ..] ? first : default;

    public IReadOnlyDictionary<string, string> Metadata => Texts("metadata");

    Dictionary<string, string> Texts(string name) => Member(name) is { ValueKind: JsonValueKind.Object } map
        ? map.EnumerateObject().Where(one => one.Value.ValueKind == JsonValueKind.String)
            .ToDictionary(one => one.Name, one => one.Value.GetString()!)
        : [];

    JsonElement? Member(string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var member) ? member : null;
}
