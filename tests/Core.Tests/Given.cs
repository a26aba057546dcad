using Purser.Core.Ledger;

namespace Purser.Core.Tests;

/// <summary>Ordinary things. A test says with <c>with</c> what is not ordinary about its own.</summary>
static class Given
{
    public static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public static CustomerId Customer { get; } = CustomerId.Parse("user_42", null);

    /// <summary>A hundred credits, none of them held or owed.</summary>
    public static Wallet Wallet { get; } =
        Core.Ledger.Wallet.Empty(WalletId.Of(Customer)) with { Balance = 100.Credits, Seq = 1, At = Noon.AddHours(-1) };

    public static Hold Hold { get; } = new(
        new(Wallet.Id, 1), 40.Credits, HoldState.Open, Captured: 0.Credits, Noon.AddMinutes(10), null, "chapter", "job_7", null);

    extension(int credits)
    {
        public Credits Credits => Credits.Of(credits);
    }
}
