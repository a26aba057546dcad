namespace Purser.Server.Tests.Gateway;

/// <summary>A gateway, and the scenarios that were run against it.</summary>
public sealed class DrivenGate : IAsyncLifetime
{
    readonly Gate gate = new();

    internal NodeScripts Scripts { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await gate.InitializeAsync();
        Scripts = new(gate);
    }

    public ValueTask DisposeAsync() => gate.DisposeAsync();
}

/// <summary>OpenAI's and Anthropic's own packages, told nothing but another address and another key.</summary>
public sealed class OfficialSdkTests(DrivenGate gate) : IClassFixture<DrivenGate>
{
    public static TheoryData<string, string> Scenarios() => NodeScripts.All();

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task The_official_node_sdks_find_that(string file, string scenario)
    {
        var outcome = await gate.Scripts.Outcome(file, scenario);

        Assert.True(outcome is null, outcome);
    }
}
