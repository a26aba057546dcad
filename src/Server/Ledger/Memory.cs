using Purser.Core;
using Purser.Core.Ledger;

namespace Purser.Server.Ledger;

/// <summary>
/// Wallets as a lane's last transactions left them, with their open holds and their budgets: mostly nobody else was there
/// since, and nothing has to be read. It is never trusted: a write that is decided on it checks that the wallet is still
/// so. Of two generations the older is forgotten when the younger is full.
/// </summary>
sealed class Memory
{
    const int Generation = 8_192;

    Dictionary<WalletId, Known> young = [];
    Dictionary<WalletId, Known> old = [];

    /// <summary>All that the commands need to be decided; null where anything of it is not remembered.</summary>
    public Loaded? Recall(WalletId[] wallets, IReadOnlyList<Pending> commands)
    {
        var loaded = new Loaded();
        foreach (var id in wallets)
        {
            if (Find(id) is not { } known) return null;
            loaded.Add(known.Wallet);
        }

        var named = new HashSet<HoldId>();
        foreach (var pending in commands)
        {
            var known = Find(pending.Wallet)!;
            var budget = (pending.Command as Command.PlaceHold)?.Budget;
            if (HoldRows.Named(pending) is { } number)
            {
                if (!known.Holds.TryGetValue(number, out var hold)) return null;
                if (named.Add(hold.Id)) loaded.Add(hold);
                budget = hold.HeldIn?.Budget;
            }

            if (budget is not { } id) continue;
            if (!known.Budgets.TryGetValue(id, out var found)) return null;
            loaded.Add(pending.Wallet, found);
        }

        return loaded;
    }

    /// <summary>An account whose changes were committed.</summary>
    public void Keep(Account account)
    {
        var known = Find(account.Wallet.Id);
        // Where others were at the wallet meanwhile, its holds and budgets may have changed with it.
        if (known is null || known.Wallet != account.Before) known = new();
        known.Wallet = account.Wallet;
        foreach (var budget in account.Budgets) known.Budgets[budget.Id] = budget;
        foreach (var hold in account.ChangedHolds)
        {
            if (hold.State == HoldState.Open) known.Holds[hold.Id.Number] = hold;
            else known.Holds.Remove(hold.Id.Number);
        }

        if (young.Count >= Generation) (old, young) = (young, []);
        young[account.Wallet.Id] = known;
    }

    public void Forget()
    {
        young.Clear();
        old.Clear();
    }

    Known? Find(WalletId wallet) => young.GetValueOrDefault(wallet) ?? old.GetValueOrDefault(wallet);

    sealed class Known
    {
        public Wallet Wallet { get; set; } = null!;

        public Dictionary<long, Hold> Holds { get; } = [];

        public Dictionary<Id<Budget>, Budget> Budgets { get; } = [];
    }
}
