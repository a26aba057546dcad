using System.Globalization;
using Purser.Server.Editions;
using Purser.Server.Platform;

namespace Purser.Server;

/// <summary>./purser smoke-test: an edition's own list of what has to hold, against a server that runs.</summary>
static class SmokeTest
{
    const string Form = "./purser smoke-test --edition NAME [--url URL] [--users N] [--seconds N]";

    public static async Task<int> Run(string[] arguments, CancellationToken ct)
    {
        var options = Options(arguments);
        // As `up` reads them: what is not set is the sandbox.
        var settings = Settings.FromEnvironment(Purpose.Up, options.GetValueOrDefault("--edition"));
        var edition = Edition.Of(settings) ?? throw new StartFailure($"Say which edition: {Form}");
        var url = new Uri(options.GetValueOrDefault("--url") ?? $"http://127.0.0.1:{settings.Port}");
        using var rehearsal = new Rehearsal(url, settings, Console.Out, TimeProvider.System);
        try
        {
            await rehearsal.Get("/health/live", null, ct);
            await edition.Rehearse(rehearsal, ct);
            if (options.ContainsKey("--users") || options.ContainsKey("--seconds"))
                await edition.Live(rehearsal, Number(options, "--users", 200), TimeSpan.FromSeconds(Number(options, "--seconds", 60)), ct);
        }
        catch (HttpRequestException gone)
        {
            throw new StartFailure($"{url} cannot be reached ({gone.Message}): start it first, with ./purser up --edition {edition.Name}.");
        }

        await rehearsal.Finish();
        return rehearsal.Ok ? 0 : 1;
    }

    static Dictionary<string, string> Options(string[] arguments)
    {
        string[] known = ["--edition", "--url", "--users", "--seconds"];
        var pairs = arguments.Chunk(2).ToList();
        if (pairs.Any(pair => pair.Length < 2 || !known.Contains(pair[0]))) throw new StartFailure($"It is called so: {Form}");

        return pairs.DistinctBy(pair => pair[0]).ToDictionary(pair => pair[0], pair => pair[1]);
    }

    static int Number(Dictionary<string, string> options, string name, int usual) =>
        !options.TryGetValue(name, out var text) ? usual
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= 10_000 ? number
        : throw new StartFailure($"{name} is a number from 1 to 10000.");
}
