namespace Purser.Server.Platform;

/// <summary>
/// Why a command cannot run, in lines that say what to do. The command line prints them and exits 1, without a trace.
/// </summary>
sealed class StartFailure(IReadOnlyList<string> lines) : Exception(string.Join('\n', lines))
{
    public StartFailure(string line) : this([line])
    {
    }

    public IReadOnlyList<string> Lines { get; } = lines;
}
