using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Purser.Server.Tests.Platform;

/// <summary>Waits for the thing itself, with a deadline.</summary>
static class Eventually
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task Holds(
        Func<Task<bool>> claim, TimeSpan? patience = null, [CallerArgumentExpression(nameof(claim))] string claimed = "")
    {
        var limit = patience ?? Patience;
        var waited = Stopwatch.StartNew();
        while (!await claim())
        {
            if (waited.Elapsed > limit) throw new TimeoutException($"In {limit} it did not come to this: {claimed}");

            await Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);
        }
    }

    public static Task Holds(Func<bool> claim, [CallerArgumentExpression(nameof(claim))] string claimed = "") =>
        Holds(() => Task.FromResult(claim()), null, claimed);
}
