namespace Purser.Server.Gateway;

/// <summary>How long the gateway waits for others. Nothing it does waits for ever.</summary>
sealed record Patience
{
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For the beginning of an answer: a model may think for a long time before it says anything.</summary>
    public TimeSpan FirstByte { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Between two pieces of a stream. Providers send something at least every half minute.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>For a whole call.</summary>
    public TimeSpan Call { get; init; } = TimeSpan.FromMinutes(50);

    /// <summary>For a settlement before the caller is told that the answer is over. It goes on after that.</summary>
    public TimeSpan Settlement { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>For the limits that servers share. Then each counts by itself.</summary>
    public TimeSpan Limits { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// How long credits stay held for a call while no server runs at all: the first to be back finds it and settles it by
    /// what was written down of it.
    /// </summary>
    public TimeSpan Hold { get; init; } = TimeSpan.FromDays(7);
}
