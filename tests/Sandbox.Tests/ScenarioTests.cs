using System.Text.RegularExpressions;

namespace Purser.Sandbox.Tests;

public sealed partial class ScenarioTests(Sandbox sandbox)
{
    /// <summary>Every exported function of every scenario file is a test.</summary>
    public static TheoryData<string, string> Scenarios()
    {
        var data = new TheoryData<string, string>();
        foreach (var file in Files())
        {
            var text = File.ReadAllText(Path.Combine(Node.Folder, "scenarios", $"{file}.mjs"));
            foreach (Match match in Exported().Matches(text)) data.Add(file, match.Groups["name"].Value);
        }
        return data;
    }

    internal static IEnumerable<string> Files() =>
        Directory.GetFiles(Path.Combine(Node.Folder, "scenarios"), "*.mjs").Order().Select(p =>
            Path.GetFileNameWithoutExtension(p));

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task The_official_node_sdk_is_content_when(string file, string scenario)
    {
        var outcome = await Node.Outcome(sandbox.Url, file, scenario);

        Assert.True(outcome is null, outcome);
    }

    [GeneratedRegex(@"^export async function (?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex Exported();
}
