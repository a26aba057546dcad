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

    /// <summary>Fifty credits in January, none of them used or held.</summary>
    public static Budget Budget { get; } = Budget.Open(new(Guid.Parse("018c2f5e-0000-7000-8000-000000000001")), BudgetPeriod.Month, 50.Credits, Noon);

    extension(int credits)
    {
        public Credits Credits => Credits.Of(credits);
    }
}
