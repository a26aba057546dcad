using System.Text.Json;

namespace Purser.Sandbox.Stripe.Spec;

enum ShapeKind { Any, Text, Integer, Number, Boolean, Enum, Array, Hash, Map, OneOf }

/// <summary>One node of the API description, read once so that a request does not walk JSON Schema.</summary>
sealed class Shape
{
    readonly Dictionary<string, Shape> properties = [];

    public ShapeKind Kind { get; private set; }
    public bool Nullable { get; private set; }
    public bool OpenEnum { get; private set; }
    public string? Constant { get; private set; }
    public bool ConstantTrue { get; private set; }
    public IReadOnlyList<string> Values { get; private set; } = [];
    public IReadOnlyList<Shape> Options { get; private set; } = [];
    public IReadOnlySet<string> Required { get; private set; } = new HashSet<string>();
    public IReadOnlyDictionary<string, Shape> Properties => properties;
    public Shape? Element { get; private set; }
    public bool OutsideObject { get; private set; }
    public bool IsDecimal { get; private set; }

    public static Shape Read(JsonElement schema, Func<string, Shape> definition)
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            return definition(reference.GetString()!["#/$defs/".Length..]);
        }
        var shape = new Shape();
        shape.Fill(schema, definition);
        return shape;
    }

    public void Fill(JsonElement schema, Func<string, Shape> definition)
    {
        OpenEnum = schema.TryGetProperty("x-open-enum", out _);
        OutsideObject = schema.TryGetProperty("x-object", out _);
        IsDecimal = schema.TryGetProperty("format", out var format) && format.GetString() == "decimal";
        if (schema.TryGetProperty("anyOf", out var options))
        {
            Kind = ShapeKind.OneOf;
            Nullable = options.EnumerateArray().Any(IsNull);
            Options = [.. options.EnumerateArray().Where(o => !IsNull(o)).Select(o => Read(o, definition))];
        }
        else if (schema.TryGetProperty("const", out var constant))
        {
            Kind = constant.ValueKind == JsonValueKind.True ? ShapeKind.Boolean : ShapeKind.Enum;
            ConstantTrue = constant.ValueKind == JsonValueKind.True;
            if (!ConstantTrue) Values = [Constant = constant.ToString()];
        }
        else if (schema.TryGetProperty("enum", out var values))
        {
            Kind = ShapeKind.Enum;
            Nullable = values.EnumerateArray().Any(v => v.ValueKind == JsonValueKind.Null);
            Values = [.. values.EnumerateArray().Where(v => v.ValueKind != JsonValueKind.Null).Select(v =>
                v.ToString())];
        }
        else if (schema.TryGetProperty("type", out var type))
        {
            FillTyped(schema, type, definition);
        }
    }

    void FillTyped(JsonElement schema, JsonElement type, Func<string, Shape> definition)
    {
        List<string> types = type.ValueKind == JsonValueKind.Array
            ? [.. type.EnumerateArray().Select(t => t.GetString()!)]
            : [type.GetString()!];
        Nullable = types.Remove("null");
        Kind = types[0] switch
        {
            "integer" => ShapeKind.Integer,
            "number" => ShapeKind.Number,
            "boolean" => ShapeKind.Boolean,
            "array" => ShapeKind.Array,
            "object" => ShapeKind.Hash,
            _ => ShapeKind.Text,
        };
        if (schema.TryGetProperty("items", out var items)) Element = Read(items, definition);
        if (Kind != ShapeKind.Hash) return;

        if (schema.TryGetProperty("required", out var required))
        {
            Required = required.EnumerateArray().Select(r => r.GetString()!).ToHashSet();
        }
        if (schema.TryGetProperty("properties", out var named))
        {
            foreach (var property in named.EnumerateObject())
            {
                properties[property.Name] = Read(property.Value, definition);
            }
        }
        if (schema.TryGetProperty("additionalProperties", out var more) && more.ValueKind == JsonValueKind.Object)
        {
            Kind = ShapeKind.Map;
            Element = Read(more, definition);
        }
    }

    static bool IsNull(JsonElement option) =>
        option.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String &&
            type.GetString() == "null";

    /// <summary>True where a field may hold an id or, expanded, the object itself.</summary>
    public bool Expandable => Kind == ShapeKind.OneOf && Options.Any(o => o.Kind == ShapeKind.Text) &&
        Options.Any(o => o.Kind == ShapeKind.Hash);
}
