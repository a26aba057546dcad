using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>Whether anything is sold. What was begun before is finished, and what was paid for is given, however it stands.</summary>
sealed class Selling(Rollout rollout, Settings settings)
{
    public Switch<bool> Purchases { get; } = Switch.OnOff("BILLING_PURCHASE_ENABLED", initial: true);

    public Switch<bool> AutoRecharge { get; } = Switch.OnOff("BILLING_AUTO_RECHARGE", initial: true);

    public bool IsOnFor(CustomerId customer) => Purchases.Value && rollout.Includes(WalletId.Of(customer));

    public bool RechargesFor(CustomerId customer) => AutoRecharge.Value && IsOnFor(customer);

    public void RefuseUnlessOnFor(CustomerId customer)
    {
        if (!IsOnFor(customer))
            throw new RefusedException(Error.Of(ErrorType.Forbidden, "purchases_disabled", "Nothing can be bought at the moment."));
    }

    /// <summary>Of a request that a browser made: back to the product's own pages, and nowhere else.</summary>
    public void RefuseForeign(string? url, string param)
    {
        if (url is null) return;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || !settings.Origins.Contains(address.GetLeftPart(UriPartial.Authority)))
            throw new InvalidRequestException(param, $"'{param}' is an address of one of this product's own pages.", "foreign_origin");
    }
}
