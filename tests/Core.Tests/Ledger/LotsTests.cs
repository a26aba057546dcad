using Purser.Core.Ledger;

namespace Purser.Core.Tests.Ledger;

public sealed class LotsTests
{
    static readonly DateTimeOffset Tomorrow = Given.Noon.AddDays(1);

    [Fact]
    public void Lots_burn_by_priority_then_expiry_then_age()
    {
        var lots = new Lots([
            Lot(1, 10),
            Lot(2, 10, expiry: Tomorrow.AddDays(9)),
            Lot(3, 10, expiry: Tomorrow),
            Lot(4, 10, expiry: Tomorrow),
            Lot(5, 10, priority: 0),
        ]);

        lots.Follow(new(6, -35.Credits, null, null));

        Assert.Equal([(5L, 0), (3L, 0), (4L, 0), (2L, 5), (1L, 10)], Left(lots));
    }

    [Fact]
    public void A_lot_that_is_named_burns_first()
    {
        var lots = new Lots([Lot(1, 10), Lot(2, 10)]);

        lots.Follow(new(3, -15.Credits, Lot: 2, null));

        Assert.Equal([(1L, 5), (2L, 0)], Left(lots));
    }

    [Fact]
    public void What_a_lot_lost_is_counted_by_day_and_kind()
    {
        var lots = new Lots([Lot(1, 10), Lot(2, 10)]);

        lots.Follow(new(3, -4.Credits, null, null) { Kind = EntryKind.Charge, At = Given.Noon });
        lots.Follow(new(4, -8.Credits, null, null) { Kind = EntryKind.Charge, At = Given.Noon });
        lots.Follow(new(5, -3.Credits, Lot: 2, null) { Kind = EntryKind.Reversal, At = Given.Noon.AddDays(1) });
        lots.Follow(new(6, 1.Credits, Lot: 2, null) { Kind = EntryKind.Reversal, At = Given.Noon.AddDays(1) });

        var day = new DateOnly(2026, 1, 1);
        Assert.Equal(
            [new(1, day, EntryKind.Charge, 10.Credits), new(2, day, EntryKind.Charge, 2.Credits), new(2, day.AddDays(1), EntryKind.Reversal, 2.Credits)],
            lots.Burns);
    }

    [Fact]
    public void What_lots_do_not_hold_cannot_be_taken_from_them() =>
        Assert.Throws<InvalidOperationException>(() => new Lots([Lot(1, 10)]).Follow(new(2, -11.Credits, null, null)));

    [Fact]
    public void Credits_that_are_held_do_not_expire()
    {
        var lots = new Lots([Lot(1, 10, expiry: Tomorrow), Lot(2, 10)]);

        var expiring = Assert.Single(lots.Expiring(held: 4.Credits, Tomorrow));

        Assert.Equal((1L, 6.Credits), (expiring.Lot.Seq, expiring.Amount));
    }

    [Fact]
    public void A_hold_keeps_the_lots_that_would_burn_first()
    {
        var lots = new Lots([Lot(1, 10, priority: 0), Lot(2, 10, expiry: Tomorrow)]);

        Assert.Equal(10.Credits, Assert.Single(lots.Expiring(held: 10.Credits, Tomorrow)).Amount);
        Assert.Equal(7.Credits, Assert.Single(lots.Expiring(held: 13.Credits, Tomorrow)).Amount);
        Assert.Empty(lots.Expiring(held: 20.Credits, Tomorrow));
    }

    [Fact]
    public void Nothing_expires_before_its_time() =>
        Assert.Empty(new Lots([Lot(1, 10, expiry: Tomorrow)]).Expiring(0.Credits, Tomorrow.AddTicks(-1)));

    static Lot Lot(long seq, int amount, int priority = GrantTerms.OrdinaryPriority, DateTimeOffset? expiry = null) =>
        new(seq, new(GrantSource.Purchase, priority, expiry, null), amount.Credits, amount.Credits, 0.Credits);

    static IEnumerable<(long, int)> Left(Lots lots) => lots.InOrder.Select(lot => (lot.Seq, (int)lot.Remaining.ToDecimal()));
}
