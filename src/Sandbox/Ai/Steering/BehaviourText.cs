namespace Purser.Sandbox.Ai.Steering;

/// <summary>
/// Reads behaviours as they are written: <c>tokens=50, slow=20ms</c> in a header, and
/// <c>gpt-4o-mini@tokens:50@slow:20ms</c> in a model's name, because a catalog allows neither commas nor equals signs
/// there.
/// </summary>
static class BehaviourText
{
    const int CountMax = 10_000_000;

    static readonly Dictionary<string, Func<Behaviour, string, Behaviour>> Terms = new()
    {
        ["echo"] = (b, v) => b with { Echo = Flag(v) },
        ["tokens"] = (b, v) => b with { Tokens = Count(v) },
        ["chunks"] = (b, v) => b with { Chunks = Math.Max(1, Count(v)) },
        ["reasoning"] = (b, v) => b with { Reasoning = Count(v) },
        ["service-tier"] = (b, v) => b with { ServiceTier = v },
        ["cached"] = (b, v) => b with { Cached = Count(v) },
        ["cache-write"] = (b, v) => b with { CacheWrite = Count(v) },
        ["cache-write-1h"] = (b, v) => b with { CacheWriteHour = Count(v) },
        ["audio-input"] = (b, v) => b with { AudioInput = Count(v) },
        ["audio-output"] = (b, v) => b with { AudioOutput = Count(v) },
        ["web-search"] = (b, v) => b with { WebSearches = Count(v) },
        ["no-usage"] = (b, v) => b with { Report = Flag(v) ? UsageReport.Absent : null },
        ["usage-null"] = (b, v) => b with { Report = Flag(v) ? UsageReport.Null : null },
        ["usage-zero"] = (b, v) => b with { Report = Flag(v) ? UsageReport.Zero : null },
        ["usage-every-chunk"] = (b, v) => b with { Report = Flag(v) ? UsageReport.EveryChunk : null },
        ["usage-last-choice"] = (b, v) => b with { Report = Flag(v) ? UsageReport.LastChoice : null },
        ["ttft"] = (b, v) => b with { FirstByte = Duration(v) },
        ["slow"] = (b, v) => b with { Slow = Duration(v) },
        ["error"] = (b, v) => b with { Error = v == "insufficient_quota" ? v : Status(v) },
        ["retry-after"] = (b, v) => b with { RetryAfter = Count(v).ToString(CultureInfo.InvariantCulture) },
        ["timeout"] = (b, v) => b with { Timeout = Flag(v) },
        ["error-mid-stream"] = (b, v) => b with { ErrorAfter = Count(v) },
        ["cut"] = (b, v) => b with { CutAfter = Count(v) },
        ["truncate"] = (b, v) => b with { EndAfter = Count(v) },
        ["hang-after"] = (b, v) => b with { HangAfter = Count(v) },
    };

    public static Behaviour OfHeader(Behaviour before, string text) => Read(before, text, ',', '=');

    public static Behaviour OfModel(Behaviour before, string model) =>
        model.IndexOf('@') is > 0 and var at ? Read(before, model[(at + 1)..], '@', ':') : before;

    static Behaviour Read(Behaviour behaviour, string text, char between, char assign)
    {
        const StringSplitOptions Tidy = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
        foreach (var term in text.Split(between, Tidy))
        {
            var at = term.IndexOf(assign);
            var name = at < 0 ? term : term[..at].TrimEnd();
            var value = at < 0 ? "" : term[(at + 1)..].TrimStart();
            try
            {
                if (!Terms.TryGetValue(name, out var read)) throw new FormatException("no such behaviour");
                behaviour = read(behaviour, value);
            }
            catch (FormatException reason)
            {
                throw new AiError(400, "invalid_request_error", $"sandbox: '{term}': {reason.Message}");
            }
        }
        return behaviour;
    }

    static bool Flag(string value) => value.Length == 0 ? true : throw new FormatException("takes no value");

    static int Count(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count <= CountMax ? count
            : throw new FormatException($"needs a number up to {CountMax}");

    static string Status(string value) => Count(value) is >= 400 and <= 599 ? value
        : throw new FormatException("needs insufficient_quota or a status from 400 to 599");

    static TimeSpan Duration(string value) => value switch
    {
        [.. var number, 'm', 's'] => TimeSpan.FromMilliseconds(Count(number)),
        [.. var number, 's'] => TimeSpan.FromSeconds(Count(number)),
        _ => throw new FormatException("needs a time such as 200ms or 3s"),
    };
}
