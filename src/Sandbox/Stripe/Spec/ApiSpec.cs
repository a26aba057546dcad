using System.Text.Json;

namespace Purser.Sandbox.Stripe.Spec;

/// <summary>
/// The description of the API that the sandbox embeds: it says which parameters a call takes and which fields an object
/// has, so neither is repeated in code.
/// </summary>
static class ApiSpec
{
    static readonly JsonElement Api = Load("stripe-api.json");
    static readonly JsonElement More = Load("more-operations.json");
    static readonly Lock Gate = new();
    static readonly Dictionary<string, Shape> Definitions = [];
    static readonly Dictionary<string, JsonObject> Blanks = [];
    static readonly Dictionary<string, Shape> Parameters = [];

    public static readonly IReadOnlySet<string> EventTypes =
        Api.GetProperty("event_types").EnumerateArray().Select(e => e.GetString()!).ToHashSet();

    public const string Version = "2026-10-28.endive";

    /// <summary>The parameters of an operation such as <c>POST /v1/customers/{id}</c>.</summary>
    public static Shape ParametersOf(string operation)
    {
        lock (Gate)
        {
            if (Parameters.TryGetValue(operation, out var known)) return known;
            if (!More.GetProperty("operations").TryGetProperty(operation, out var found) &&
                !Api.GetProperty("operations").TryGetProperty(operation, out found))
            {
                throw new InvalidOperationException($"No parameters are described for {operation}");
            }
            return Parameters[operation] = Shape.Read(found.GetProperty("params"), Definition);
        }
    }

    public static Shape? ObjectShape(string kind)
    {
        lock (Gate)
        {
            return Api.GetProperty("$defs").TryGetProperty(kind, out _) ? Definition(kind) : null;
        }
    }

    /// <summary>An object of this kind with every required field present: null where it may be, else empty.</summary>
    public static JsonObject Blank(string kind)
    {
        lock (Gate)
        {
            if (!Blanks.TryGetValue(kind, out var blank)) Blanks[kind] = blank = Blank(Definition(kind));
            return blank.Copy();
        }
    }

    static JsonObject Blank(Shape shape)
    {
        var blank = new JsonObject();
        foreach (var (name, property) in shape.Properties)
        {
            if (shape.Required.Contains(name)) blank[name] = property.Nullable ? null : Empty(property);
        }
        return blank;
    }

    /// <summary>What a caller gave of an object of this kind, with every other required field beside it.</summary>
    public static JsonObject Completed(string kind, JsonObject given)
    {
        lock (Gate) return Completed(Definition(kind), given);
    }

    static JsonObject Completed(Shape shape, JsonObject given)
    {
        var whole = Blank(shape);
        foreach (var (name, value) in given)
        {
            var property = shape.Properties.GetValueOrDefault(name);
            var inner = property?.Kind == ShapeKind.Hash ? property
                : property?.Options.FirstOrDefault(o => o.Kind == ShapeKind.Hash);
            if (value is JsonObject part && inner is not null) whole[name] = Completed(inner, part);
            else whole[name] = given.Unset(name) ? null : value?.DeepClone();
        }
        return whole;
    }

    static JsonNode? Empty(Shape shape) => shape.Kind switch
    {
        ShapeKind.Boolean => shape.ConstantTrue,
        ShapeKind.Integer or ShapeKind.Number => 0L,
        ShapeKind.Array => new JsonArray(),
        ShapeKind.Map => new JsonObject(),
        ShapeKind.Hash => Blank(shape),
        ShapeKind.Enum => shape.Values[0],
        ShapeKind.Text => "",
        ShapeKind.OneOf or ShapeKind.Any => null,
    };

    static Shape Definition(string name)
    {
        if (Definitions.TryGetValue(name, out var known)) return known;
        // Entered before it is filled: definitions refer to one another in circles.
        var shape = Definitions[name] = new();
        if (!More.GetProperty("$defs").TryGetProperty(name, out var found))
        {
            found = Api.GetProperty("$defs").GetProperty(name);
        }
        shape.Fill(found, Definition);
        return shape;
    }

    static JsonElement Load(string name)
    {
        using var stream = typeof(ApiSpec).Assembly.GetManifestResourceStream(name) ??
            throw new InvalidOperationException($"{name} is not embedded");
        return JsonDocument.Parse(stream).RootElement;
    }
}
