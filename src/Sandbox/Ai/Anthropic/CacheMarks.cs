using System.Text.Json;

namespace Purser.Sandbox.Ai.Anthropic;

/// <summary>The marks in a prompt that ask for caching.</summary>
static class CacheMarks
{
    const int CountMax = 4;

    public static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    static readonly TimeSpan Usual = TimeSpan.FromMinutes(5);

    public static TimeSpan? Of(JsonElement block) => block.Member("cache_control") switch
    {
        { ValueKind: JsonValueKind.Object } mark => mark.Text("ttl") == "1h" ? Hour : Usual,
        _ => null,
    };

    public static void Check(IReadOnlyList<Boundary> boundaries)
    {
        var (count, shortSeen) = (0, false);
        foreach (var lifetime in boundaries.Select(boundary => boundary.Lifetime).OfType<TimeSpan>())
        {
            count++;
            if (shortSeen && lifetime == Hour)
            {
                throw AnthropicDialect.Invalid(
                    "A ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.");
            }
            shortSeen |= lifetime != Hour;
        }
        if (count > CountMax)
        {
            throw AnthropicDialect.Invalid(
                $"A maximum of {CountMax} blocks with cache_control may be provided. Found {count}.");
        }
    }
}
