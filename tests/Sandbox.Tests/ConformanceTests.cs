using System.Text.Json.Nodes;
using Purser.Sandbox.Stripe;
using Purser.Sandbox.Stripe.Spec;

namespace Purser.Sandbox.Tests;

public sealed class ConformanceTests(Sandbox sandbox)
{
    /// <summary>
    /// Looks at whatever all scenarios have left behind, so that every state an object can be in is seen.
    /// </summary>
    [Fact]
    public async Task Every_object_has_the_fields_and_kinds_of_value_of_the_api_description()
    {
        foreach (var file in Node.Stripe.Files()) await Node.Stripe.Outcome(sandbox.Url, file, "");
        SortedSet<string> complaints = [];
        HashSet<string> kinds = [];
        foreach (var account in sandbox.Accounts.All)
        {
            lock (account.Gate)
            {
                foreach (var body in account.Everything().Where(b => !b.Flag("deleted")))
                {
                    if (ApiSpec.ObjectShape(body.Kind()) is not { } shape) continue;
                    kinds.Add(body.Kind());
                    foreach (var complaint in Check(shape, body.Visible(), body.Kind())) complaints.Add(complaint);
                }
            }
        }

        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
        Assert.True(kinds.Count >= 20, $"Only {string.Join(", ", kinds)} were seen");
    }

    static IEnumerable<string> Check(Shape shape, JsonNode? node, string path)
    {
        if (shape.OutsideObject || shape.Kind == ShapeKind.Any) return [];
        if (node is null) return shape.Nullable || AnyNullable(shape) ? [] : [$"{path} is null"];
        return shape.Kind switch
        {
            ShapeKind.Hash => Hash(shape, node, path),
            ShapeKind.Array => node is JsonArray array ? array.SelectMany(e => Check(shape.Element!, e, $"{path}[]"))
                : [$"{path} is no array"],
            ShapeKind.OneOf => OneOf(shape, node, path),
            ShapeKind.Enum => shape.OpenEnum || shape.Values.Contains(node.ToString()) ? [] : [$"{path} is {node}"],
            ShapeKind.Text => Kind(node, path, System.Text.Json.JsonValueKind.String),
            ShapeKind.Integer => node is JsonValue value && Json.AsNumber(value) is not null ? []
                : [$"{path} is no integer: {node.ToJsonString()}"],
            ShapeKind.Number => Kind(node, path, System.Text.Json.JsonValueKind.Number),
            ShapeKind.Boolean =>
                node.GetValueKind() is System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False
                ? [] : [$"{path} is no boolean"],
            ShapeKind.Map => Kind(node, path, System.Text.Json.JsonValueKind.Object),
            ShapeKind.Any => [],
        };
    }

    static IEnumerable<string> Kind(JsonNode node, string path, System.Text.Json.JsonValueKind kind) =>
        node.GetValueKind() == kind ? [] : [$"{path} is {node.GetValueKind()}"];

    static bool AnyNullable(Shape shape) => shape.Kind == ShapeKind.OneOf && shape.Options.Any(o => o.Nullable);

    static IEnumerable<string> Hash(Shape shape, JsonNode node, string path)
    {
        if (node is not JsonObject o)
        {
            yield return $"{path} is no object";
            yield break;
        }
        foreach (var name in shape.Required.Where(name => !o.ContainsKey(name)))
        {
            yield return $"{path}.{name} is missing";
        }
        foreach (var (name, value) in o)
        {
            if (!shape.Properties.TryGetValue(name, out var property))
            {
                if (shape.Properties.Count > 0 && name != "total_count") yield return $"{path}.{name} is not described";
                continue;
            }
            if (value is null && !shape.Required.Contains(name) && !property.Nullable)
            {
                yield return $"{path}.{name} is null";
            }
            else foreach (var complaint in Check(property, value, $"{path}.{name}")) yield return complaint;
        }
    }

    static List<string> OneOf(Shape shape, JsonNode node, string path)
    {
        var complaints = shape.Options.Select(o => Check(o, node, path).ToList()).ToList();
        return complaints.Exists(c => c.Count == 0) ? [] : complaints.MinBy(c => c.Count)!;
    }
}
