using Purser.Core.Ledger;

namespace Purser.Core.Tests.Ledger;

/// <summary>A sound wallet, and everything that somebody behind our back might change about it.</summary>
public sealed class ProofTests
{
    static readonly (Wallet Wallet, IReadOnlyList<Entry> Entries, Lot Lot) Sound = Build();

    [Fact]
    public void A_sound_wallet_has_no_differences() => Assert.Empty(Prove(Sound.Wallet, Sound.Entries));

    public static TheoryData<string, int> Changes => new()
    {
        { "amount", 2 },
        { "balance", 2 },
        { "owed", 2 },
        { "time", 2 },
        { "reason", 2 },
        { "reference", 2 },
        { "kind", 2 },
        { "quote", 2 },
        { "hash", 2 },
        { "terms", 1 },
        { "removed", 3 },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_changed_entry_is_found_by_its_number(string what, int seq)
    {
        var entries = Sound.Entries.ToList();
        var second = entries[1];
        switch (what)
        {
            case "amount": entries[1] = second with { Amount = -5.Credits }; break;
            case "balance": entries[1] = second with { Balance = 95.Credits }; break;
            case "owed": entries[1] = second with { Owed = 1.Credits }; break;
            case "time": entries[1] = second with { At = second.At.AddMicroseconds(1) }; break;
            case "reason": entries[1] = second with { Reason = "other" }; break;
            case "reference": entries[1] = second with { Reference = null }; break;
            case "kind": entries[1] = second with { Kind = EntryKind.Reversal }; break;
            case "quote": entries[1] = second with { Quote = "{}" }; break;
            case "hash": entries[1] = second with { Hash = new(1, 2) }; break;
            case "terms": entries[0] = entries[0] with { Terms = entries[0].Terms! with { Priority = 1 } }; break;
            case "removed": entries.RemoveAt(1); break;
            default: throw new ArgumentException(what);
        }

        Assert.Contains(Prove(Sound.Wallet, entries), difference => difference.Seq == seq);
    }

    [Fact]
    public void A_changed_wallet_is_found()
    {
        Assert.NotEmpty(Prove(Sound.Wallet with { Balance = 1.Credits }, Sound.Entries));
        Assert.NotEmpty(Prove(Sound.Wallet with { Held = 1.Credits }, Sound.Entries));
        Assert.NotEmpty(Prove(Sound.Wallet with { Owed = 1.Credits }, Sound.Entries));
        Assert.NotEmpty(Prove(Sound.Wallet with { Seq = 4 }, Sound.Entries));
        Assert.NotEmpty(Prove(Sound.Wallet with { Head = default }, Sound.Entries));
    }

    [Fact]
    public void An_entry_that_was_cut_off_the_end_is_missed() =>
        Assert.NotEmpty(Prove(Sound.Wallet, [.. Sound.Entries.SkipLast(1)]));

    [Fact]
    public void A_changed_lot_is_found_with_the_number_of_its_grant()
    {
        var proof = new Proof(Sound.Wallet, 0.Credits, [Sound.Lot with { Remaining = 99.Credits }], projected: 3);
        foreach (var entry in Sound.Entries) proof.Next(entry);

        Assert.Contains(proof.Close(), difference => difference.Seq == 1);
    }

    [Fact]
    public void A_grant_that_claims_to_be_reversed_is_found()
    {
        var proof = new Proof(Sound.Wallet, 0.Credits, [Sound.Lot with { Reversed = 1.Credits }], projected: 3);
        foreach (var entry in Sound.Entries) proof.Next(entry);

        Assert.Contains(proof.Close(), difference => difference.Seq == 1);
    }

    [Theory]
    [InlineData(30, EntryKind.Charge, 0)]
    [InlineData(29, EntryKind.Charge, 1)]
    [InlineData(30, EntryKind.Expiry, 1)]
    public void What_a_lot_lost_on_another_day_or_for_another_reason_is_found(int lost, EntryKind kind, int differences)
    {
        var proof = new Proof(Sound.Wallet, 0.Credits, [Sound.Lot], projected: 3)
        {
            Burns = [new(1, new(2026, 1, 1), kind, lost.Credits)],
        };
        foreach (var entry in Sound.Entries) proof.Next(entry);

        Assert.Equal(differences, proof.Close().Count);
    }

    [Fact]
    public void A_wallet_that_is_looked_at_only_after_its_credits_expire_is_found()
    {
        var account = new Account(Wallet.Empty(WalletId.Of(Given.Customer)), [], [], new([]));
        var terms = GrantTerms.Ordinary(GrantSource.Promotion) with { ExpiresAt = Given.Noon.AddHours(1) };
        account.Run(new Command.Grant(100.Credits, terms, null, null), Given.Noon);
        var lot = account.Lots!.InOrder.Single();

        Assert.Empty(Close(account.Wallet));
        Assert.NotEmpty(Close(account.Wallet with { LotsDue = null }));
        Assert.NotEmpty(Close(account.Wallet with { LotsDue = Given.Noon.AddHours(2) }));

        IReadOnlyList<Difference> Close(Wallet wallet)
        {
            var proof = new Proof(wallet, 0.Credits, [lot], projected: 1);
            proof.Next(account.Entries.Single());
            return proof.Close();
        }
    }

    static IReadOnlyList<Difference> Prove(Wallet wallet, IEnumerable<Entry> entries)
    {
        var proof = new Proof(wallet, 0.Credits, [Sound.Lot], projected: 3);
        foreach (var entry in entries) proof.Next(entry);
        return proof.Close();
    }

    static (Wallet, IReadOnlyList<Entry>, Lot) Build()
    {
        var account = new Account(Wallet.Empty(WalletId.Of(Given.Customer)), [], [], new([]));
        account.Run(new Command.Grant(100.Credits, GrantTerms.Ordinary(GrantSource.Purchase), "order", "ord_1"), Given.Noon);
        account.Run(new Command.Charge(10.Credits, null, "chapter", "job_7"), Given.Noon.AddSeconds(1));
        account.Run(new Command.Charge(20.Credits, """{"lines":[]}""", "chapter", null), Given.Noon.AddSeconds(2));
        return (account.Wallet, account.Entries, account.Lots!.InOrder.Single());
    }
}
