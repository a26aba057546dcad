using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

/// <summary>Which customers billing is switched on for, while it is introduced step by step.</summary>
sealed class Rollout
{
    public Switch<int> Percentage { get; } = Switch.Percentage("BILLING_ROLLOUT_PERCENTAGE", initial: 100);

    public bool Includes(WalletId wallet) => wallet.Percentile < Percentage.Value;
}

/// <summary>
/// Whether usage is charged. Where it is not, work goes on and its price is recorded, to be charged or waived later. Only
/// what both began and ended while it was charged is.
/// </summary>
sealed class Charging(Rollout rollout)
{
    public Switch<bool> Enabled { get; } = Switch.OnOff("BILLING_CHARGING_ENABLED", initial: true);

    public bool IsOnFor(WalletId wallet) => Enabled.Value && rollout.Includes(wallet);
}
