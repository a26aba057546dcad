namespace Purser.Core.Gateway;

/// <summary>
/// Tools that the provider runs by itself. Those that cost something apart are priced, or refused: a tool that is not
/// metered would be free.
/// </summary>
sealed class HostedTools
{
    // What the caller runs, whatever it is called: its results come back as a prompt.
    static readonly string[] RunByTheCaller =
    [
        "function", "custom", "local_shell", "apply_patch", "computer", "computer_use_preview", "bash_", "text_editor_",
        "computer_", "memory_", "tool_search",
    ];

    const string WebSearch = "web_search";
    const string WebFetch = "web_fetch_";

    string? unmetered;
    bool searches;
    long maxUses;
    bool usesUnsaid;

    /// <summary>The most calls of hosted tools that the caller lets the provider make.</summary>
    public long? MostCalls { get; set; }

    /// <summary>What a search or a fetch finds becomes part of the prompt.</summary>
    public bool Unbounded { get; private set; }

    public int Searches => searches ? (int)(MostCalls ?? maxUses) : 0;

    public void Add(Wire wire, string? type, long? uses)
    {
        // At Anthropic a tool of the caller's may go without. Elsewhere what has no type is named by a member, and is the provider's.
        if (type is null)
        {
            if (wire != Wire.Messages) unmetered ??= "without a type";
            return;
        }

        if (RunByTheCaller.Any(free => free.EndsWith('_') || wire == Wire.Messages ? type.StartsWith(free, StringComparison.Ordinal) : type == free)) return;

        if (type.StartsWith(WebSearch, StringComparison.Ordinal))
        {
            searches = true;
            Unbounded = true;
            maxUses += uses ?? 0;
            usesUnsaid |= uses is null;
        }
        else if (wire == Wire.Messages && type.StartsWith(WebFetch, StringComparison.Ordinal) && uses is not null)
        {
            Unbounded = true;
        }
        else
        {
            unmetered ??= type;
        }
    }

    public (string Param, string Message)? Refusal(Wire wire)
    {
        if (unmetered is not null) return ("tools", $"The tool '{unmetered}' is not metered: leave it out.");
        if (!searches || (MostCalls is not null) || !usesUnsaid) return null;

        return wire == Wire.Messages
            ? ("tools.max_uses", "Searches of the web are charged one by one: say at most how many with 'max_uses'.")
            : ("max_tool_calls", "Searches of the web are charged one by one: say at most how many with 'max_tool_calls'.");
    }
}
