using Purser.Core.Payments;

namespace Purser.Core.Tests.Payments;

public sealed class CurrenciesTests
{
    [Theory]
    [InlineData(999, "usd", "9.99 USD")]
    [InlineData(1500, "jpy", "1500 JPY")]
    [InlineData(1500, "kwd", "1.500 KWD")]
    [InlineData(150000, "isk", "1500.00 ISK")]
    [InlineData(-5, "eur", "-0.05 EUR")]
    public void An_amount_is_shown_in_its_currencys_own_decimals(long minor, string currency, string shown) =>
        Assert.Equal(shown, Currencies.Show(new(minor, currency)));
}
