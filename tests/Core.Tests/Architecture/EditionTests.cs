using System.Text.RegularExpressions;

namespace Purser.Core.Tests.Architecture;

/// <summary>
/// An edition is one folder that can be deleted: nothing else names anything in it, and it names the tables of nobody.
/// docs/editions/README.md says how to try that.
/// </summary>
public sealed class EditionTests
{
    const string Folder = "src/Server/Editions/";

    static readonly string[] Editions =
        [.. Directory.EnumerateDirectories($"{Repository.Root}/{Folder}").Select(path => Path.GetFileName(path)!)];

    // A namespace is its folder (IDE0130): whoever uses something of it has to name it.
    [Fact]
    public void Nothing_outside_an_edition_knows_of_it() => Assert.All(Editions, edition =>
    {
        var name = new Regex($@"\b{edition}\b");

        var others = Repository.Files.Where(file =>
            !file.Path.StartsWith($"{Folder}{edition}/", StringComparison.Ordinal)
            && !file.Path.StartsWith($"tests/Server.Tests/Editions/{edition}/", StringComparison.Ordinal));

        Assert.DoesNotContain(others, file => name.IsMatch(file.Text));
    });

    [Fact]
    public void An_edition_asks_the_slices_and_no_table() => Assert.All(Editions, edition =>
    {
        var sql = new Regex(@"\b(select|insert|update|delete)\s+[\w*(].*\b(from|into|set)\b", RegexOptions.IgnoreCase | RegexOptions.Singleline);

        Assert.DoesNotContain(Repository.Production, file =>
            file.Path.StartsWith($"{Folder}{edition}/", StringComparison.Ordinal)
            && file.Root.DescendantTokens().Any(token => token.Text.Contains('"', StringComparison.Ordinal) && sql.IsMatch(token.ValueText)));
    });
}
