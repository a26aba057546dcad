namespace Purser.Server.Platform;

/// <summary>What an embedded PostgreSQL is to be like, and who is told what happens to it.</summary>
sealed record Embedding(string DataFolder)
{
    /// <summary>The folder of PostgreSQL's programs; null looks in the usual places.</summary>
    public string? BinFolder { get; init; }

    public string SearchPath { get; init; } = "";

    /// <summary>Only tests whose subject is something else may give up durability, for speed.</summary>
    public bool Durable { get; init; } = true;

    public int MaxConnections { get; init; } = 100;

    /// <summary>Takes one line for the operator at a time.</summary>
    public Action<string> Say { get; init; } = _ => { };

    public static Embedding Of(Settings settings, Action<string> say) => new(settings.DataFolder)
    {
        BinFolder = settings.PostgresBin,
        SearchPath = settings.SearchPath,
        Say = say,
    };
}
