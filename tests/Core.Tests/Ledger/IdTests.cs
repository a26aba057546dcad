using Purser.Core.Ledger;

namespace Purser.Core.Tests.Ledger;

public sealed class IdTests
{
    static readonly WalletId Wallet = WalletId.Of(Given.Customer);

    [Fact]
    public void A_wallet_is_known_from_its_customer_alone() =>
        Assert.Equal(WalletId.Of(CustomerId.Parse("user_42", null)), Wallet);

    [Fact]
    public void A_bucket_is_the_top_ten_bits_of_the_wallet()
    {
        var last = new WalletId(Guid.Parse("ffc00000-0000-0000-0000-000000000000"));

        Assert.Equal(1023, last.Bucket);
        Assert.Equal(0, new WalletId(Guid.Parse("003fffff-ffff-ffff-ffff-ffffffffffff")).Bucket);
        Assert.Equal(513, new WalletId(Guid.Parse("80400000-0000-0000-0000-000000000000")).Bucket);
    }

    [Fact]
    public void The_id_of_an_entry_reads_back_as_itself()
    {
        var id = new EntryId(Wallet, 12);

        Assert.Equal(id, EntryId.Parse(id.ToString(), null));
    }

    [Theory]
    [InlineData("hld_{0}_1")]
    [InlineData("ent_{0}")]
    [InlineData("ent_{0}_")]
    [InlineData("ent_{0}_0")]
    [InlineData("ent_{0}_-1")]
    [InlineData("ent_{0}_01")]
    [InlineData("ent_{0}_99999999999999999999")]
    [InlineData("ent_{0}_1 ")]
    [InlineData("ENT_{0}_1")]
    [InlineData("")]
    public void Another_spelling_is_not_the_id_of_an_entry(string text) =>
        Assert.False(EntryId.TryParse(text.Replace("{0}", Wallet.ToString(), StringComparison.Ordinal), null, out _));

    [Fact]
    public void The_id_of_an_entry_in_capitals_is_no_id() =>
        Assert.False(EntryId.TryParse($"ent_{Wallet.ToString().ToUpperInvariant()}_1", null, out _));

    [Theory]
    [InlineData("a")]
    [InlineData("user_42")]
    [InlineData("org:7/x", false)]
    [InlineData("A.b-c@d:e")]
    [InlineData("", false)]
    [InlineData("a b", false)]
    [InlineData("ü", false)]
    [InlineData("a\n", false)]
    public void A_customer_is_named_in_plain_characters(string name, bool valid = true) =>
        Assert.Equal(valid, CustomerId.TryParse(name, null, out _));

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void A_customers_name_has_at_most_128_characters(int length, bool valid) =>
        Assert.Equal(valid, CustomerId.TryParse(new('x', length), null, out _));
}
