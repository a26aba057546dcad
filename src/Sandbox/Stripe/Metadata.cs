namespace Purser.Sandbox.Stripe;

/// <summary>Metadata of an object: given keys are set, empty ones go, an empty map clears all.</summary>
static class Metadata
{
    const int KeysMax = 50;

    public static void Merge(JsonObject target, JsonObject from)
    {
        if (!from.ContainsKey("metadata")) return;
        if (from["metadata"] is not JsonObject given)
        {
            target["metadata"] = new JsonObject();
            return;
        }
        var merged = target.Under("metadata");
        foreach (var (key, value) in given)
        {
            if (value is null || value.GetValue<string>().Length == 0) merged.Remove(key);
            else merged[key] = value.DeepClone();
        }
        if (merged.Count > KeysMax)
        {
            throw StripeError.Invalid($"You can only have {KeysMax} keys in metadata.", "metadata");
        }
    }

    /// <summary>Metadata of a new object: keys without a value are not kept.</summary>
    public static JsonObject Of(JsonObject? from)
    {
        var holder = new JsonObject { ["metadata"] = new JsonObject() };
        if (from is not null) Merge(holder, from);
        return (JsonObject)holder["metadata"]!.DeepClone();
    }
}
