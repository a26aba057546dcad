using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>Each call is settled once, by what its provider says, or by what can be seen of it.</summary>
public sealed class SettlementTests(Gate gate) : IClassFixture<Gate>
{
    public static TheoryData<string> Names => [.. Courses.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task However_it_goes_a_call_is_settled_once(string name)
    {
        var course = Courses.All[name];
        var caller = await gate.GivenCaller(key: Budget(100000, "day"));
        var mark = await gate.Ai.Mark();

        var answer = await caller.Ask(course.Path, course.Body);

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(
            (course.Status, course.State, course.Charged, course.Estimated),
            (answer.Status, call.State(), call.Charged(), call.Estimated()));
        Assert.Equal(call.GetProperty("id").GetString(), answer.Header("Purser-Call-Id"));
        var served = await gate.Ai.Served(mark, course.Served.Split(' ').Length);
        Assert.Equal(course.Served, string.Join(' ', served.Select(one => one.GetProperty("outcome").GetString())));
        if (course.State != "provider_silent")
            Assert.Equal(served[^1].GetProperty("request_id").GetString(), call.GetProperty("provider_request").GetString());
        if (!course.Understated) Assert.Equal(course.Output, served.Sum(one => one.GetProperty("usage").GetProperty("output").GetInt64()));
    }
}
