using System.Text.Encodings.Web;
using System.Text.Json;

namespace Purser.Sandbox.Stripe;

/// <summary>
/// Stripe's objects are kept as JSON trees, because the sandbox stores and shows far more fields than it reasons about.
/// A property whose name starts with an underscore is the sandbox's own and never leaves it.
/// </summary>
static class Json
{
    // Stripe does not escape quotes and apostrophes as \u0022; receivers compare bytes, people read bodies.
    public static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string? Text(this JsonObject o, string name) =>
        o[name] is JsonValue v && v.TryGetValue(out string? s) ? s : null;

    public static string Id(this JsonObject o) => o.Text("id")
        ?? throw new InvalidOperationException("An object without id");

    public static string Kind(this JsonObject o) =>
        o.Text("object") ?? throw new InvalidOperationException("An object without kind");

    public static long Number(this JsonObject o, string name) => o.MaybeNumber(name) ?? 0;

    public static long? MaybeNumber(this JsonObject o, string name) => o[name] is JsonValue v ? AsNumber(v) : null;

    public static long? AsNumber(JsonValue v) =>
        v.TryGetValue(out long l) ? l : v.TryGetValue(out int i) ? i : null;

    public static bool Flag(this JsonObject o, string name) => o.MaybeFlag(name) ?? false;

    public static bool? MaybeFlag(this JsonObject o, string name) =>
        o[name] is JsonValue v && v.TryGetValue(out bool b) ? b : null;

    public static JsonObject? Child(this JsonObject o, string name) => o[name] as JsonObject;

    /// <summary>The named child, made when missing.</summary>
    public static JsonObject Under(this JsonObject o, string name)
    {
        if (o[name] is JsonObject there) return there;
        var made = new JsonObject();
        o[name] = made;
        return made;
    }

    /// <summary>The objects of an array, or of the list object that stands in its place.</summary>
    public static IEnumerable<JsonObject> Items(this JsonObject o, string name) => o[name] switch
    {
        JsonArray array => array.OfType<JsonObject>(),
        JsonObject list when list["data"] is JsonArray data => data.OfType<JsonObject>(),
        _ => [],
    };

    public static IEnumerable<string> Texts(this JsonObject o, string name) =>
        o[name] is JsonArray array ? array.OfType<JsonValue>().Select(v => v.GetValue<string>()) : [];

    public static JsonObject Copy(this JsonObject o) => (JsonObject)o.DeepClone();

    public static bool IsTrue(this JsonNode? node) => node is JsonValue v && v.TryGetValue(out bool b) && b;

    /// <summary>Stripe sends and takes an empty string for "no value".</summary>
    public static bool Unset(this JsonObject o, string name) => o.Text(name) == "";

    /// <summary>Copies the named parameters where they were given; an empty one becomes null.</summary>
    public static void Take(this JsonObject target, JsonObject from, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (from.ContainsKey(name)) target[name] = from.Unset(name) ? null : from[name]?.DeepClone();
        }
    }

    /// <summary>A copy of what the outside may see.</summary>
    public static JsonObject Visible(this JsonObject o)
    {
        var copy = new JsonObject();
        foreach (var (name, value) in o)
        {
            if (!name.StartsWith('_')) copy[name] = Visible(value);
        }
        return copy;
    }

    static JsonNode? Visible(JsonNode? node) => node switch
    {
        JsonObject o => o.Visible(),
        JsonArray a => new JsonArray([.. a.Select(Visible)]),
        _ => node?.DeepClone(),
    };

    public static JsonObject ListOf(string url, IEnumerable<JsonObject> data) => new()
    {
        ["object"] = "list",
        ["data"] = new JsonArray([.. data]),
        ["has_more"] = false,
        ["url"] = url,
    };

    /// <summary>
    /// What an object was before, for <c>previous_attributes</c>: only what changed, hashes by key, arrays whole.
    /// </summary>
    public static JsonObject Changes(JsonObject before, JsonObject after)
    {
        var changes = new JsonObject();
        foreach (var name in before.Select(p => p.Key).Union(after.Select(p => p.Key)))
        {
            if (name.StartsWith('_') || JsonNode.DeepEquals(before[name], after[name])) continue;
            changes[name] = before[name] is JsonObject was && after[name] is JsonObject now
                ? Changes(was, now)
                : Visible(before[name]);
        }
        return changes;
    }
}
