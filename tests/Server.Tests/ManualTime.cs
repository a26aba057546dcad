namespace Purser.Server.Tests;

/// <summary>A clock that moves when a test moves it.</summary>
sealed class ManualTime(DateTimeOffset start) : TimeProvider
{
    readonly Lock gate = new();
    DateTimeOffset now = start;

    // Read by many requests at once while a test moves it; a DateTimeOffset is wider than what is written in one go.
    public override DateTimeOffset GetUtcNow()
    {
        lock (gate) return now;
    }

    public void Advance(TimeSpan by)
    {
        lock (gate) now += by;
    }
}
