namespace Purser.Sandbox.Tests;

public sealed class ScenarioTests(Sandbox sandbox)
{
    public static TheoryData<string, string> Scenarios() => Node.Stripe.Scenarios();

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task The_official_node_sdk_is_content_when(string file, string scenario)
    {
        var outcome = await Node.Stripe.Outcome(sandbox.Url, file, scenario);

        Assert.True(outcome is null, outcome);
    }
}
