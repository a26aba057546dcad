namespace Purser.Server.Tests;

/// <summary>The folder that holds the sources these tests were built from.</summary>
static class Checkout
{
    public static string Root { get; } = Find();

    static string Find()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, "global.json"))) return folder;

        throw new InvalidOperationException("global.json not found above the tests.");
    }
}
