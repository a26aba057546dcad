namespace Purser.Sandbox.Tests.Ai;

public sealed class AiScenarioTests(Sandbox sandbox)
{
    public static TheoryData<string, string> Scenarios() => Node.Ai.Scenarios();

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task The_official_node_sdks_are_content_when(string file, string scenario)
    {
        var outcome = await Node.Ai.Outcome(sandbox.Url, file, scenario);

        Assert.True(outcome is null, outcome);
    }
}
