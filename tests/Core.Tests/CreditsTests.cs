namespace Purser.Core.Tests;

public sealed class CreditsTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1", 1_000_000)]
    [InlineData("0.000001", 1)]
    [InlineData("-2.5", -2_500_000)]
    [InlineData("1e3", 1_000_000_000)]
    [InlineData("15E-1", 1_500_000)]
    [InlineData("1.50000000000", 1_500_000)]
    [InlineData("1000000000000", 1_000_000_000_000_000_000)]
    public void An_amount_is_read_exactly(string text, long micros)
    {
        Assert.True(Credits.TryParse(text, out var credits));
        Assert.Equal(new Credits(micros), credits);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" 1")]
    [InlineData("1,000")]
    [InlineData("0.0000001")]
    [InlineData("1000000000000.000001")]
    [InlineData("-1000000000001")]
    [InlineData("1e400")]
    [InlineData("1e-40")]
    [InlineData("0.99999999999999999999999999999999999999")]
    [InlineData("NaN")]
    [InlineData("0x10")]
    [InlineData("1\0")]
    public void What_is_not_exactly_an_amount_is_not_read(string text) => Assert.False(Credits.TryParse(text, out _));

    [Theory]
    [InlineData(1, "0.000001")]
    [InlineData(1_500_000, "1.5")]
    [InlineData(-1_000_000, "-1")]
    public void An_amount_is_written_without_needless_zeros(long micros, string text) =>
        Assert.Equal(text, new Credits(micros).ToString());

    [Fact]
    public void Sums_that_do_not_fit_are_an_error_and_never_wrap() =>
        Assert.Throws<OverflowException>(() => new Credits(long.MaxValue) + new Credits(1));

    [Fact]
    public void An_amount_is_never_rounded() => Assert.Throws<ArgumentException>(() => Credits.Of(0.0000001m));
}
