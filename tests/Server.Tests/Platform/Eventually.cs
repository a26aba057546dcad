namespace Purser.Server.Tests.Platform;

/// <summary>Waits for the thing itself, with a deadline.</summary>
static class Eventually
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task Holds(Func<Task<bool>> claim, TimeSpan? patience = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(patience ?? Patience);
        while (!await claim()) await Task.Delay(TimeSpan.FromMilliseconds(20), limit.Token);
    }

    public static Task Holds(Func<bool> claim) => Holds(() => Task.FromResult(claim()));
}
