using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Purser.Sandbox.Ai.Anthropic;
using Purser.Sandbox.Ai.Records;

namespace Purser.Sandbox.Ai;

/// <summary>
/// What belongs to one API key: whatever is queued for its next calls, its prompt cache and its totals. Calls without
/// a key share one account.
/// </summary>
sealed class AiAccount(string name)
{
    /// <summary>The beginning of the key's SHA-256, so that records can be shown; "none" without a key.</summary>
    public string Name => name;

    public ConcurrentQueue<string> Next { get; } = new();
    public PromptCache Cache { get; } = new();
    public Totals Totals { get; } = new();

    public static AiAccount OfKey(string key) => new(key.Length == 0 ? "none"
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..16]);
}

/// <summary>All accounts by their key, made on first use.</summary>
sealed class AiAccounts
{
    const int CountMax = 10_000;

    readonly ConcurrentDictionary<string, AiAccount> byKey = new();

    public ICollection<AiAccount> All => byKey.Values;

    public AiAccount Of(string key)
    {
        // Tests make keys without end and none of them comes back.
        if (byKey.Count >= CountMax && !byKey.ContainsKey(key)) byKey.Clear();
        return byKey.GetOrAdd(key, AiAccount.OfKey);
    }

    public void Reset() => byKey.Clear();

    /// <summary>The key of a request, in the header of either API; empty without one.</summary>
    public static string KeyOf(HttpRequest request)
    {
        if (request.Headers.TryGetValue("x-api-key", out var key)) return key.ToString();
        var sent = request.Headers.Authorization.ToString();
        return sent.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? sent["Bearer ".Length..].Trim() : "";
    }
}
