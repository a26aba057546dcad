using FsCheck;
using FsCheck.Fluent;
using Purser.Core.Ledger;

namespace Purser.Core.Tests.Ledger;

/// <summary>Any sequence of commands, held against the invariants and against a ledger that counts credits one by one.</summary>
public sealed class AccountPropertyTests
{
    [Fact]
    public void Any_sequence_of_commands_keeps_the_invariants() => ForAnySteps((steps, walk) =>
    {
        foreach (var step in steps)
        {
            walk.Take(step);
            var wallet = walk.Account.Wallet;
            Assert.True(wallet.Balance >= Credits.Zero && wallet.Held >= Credits.Zero && wallet.Owed >= Credits.Zero);
            Assert.True(wallet.Held <= wallet.Balance);
            Assert.Equal(wallet.Balance, Sum(walk.Account.Entries.Select(entry => entry.Amount)));
            Assert.Equal(wallet.Balance, Sum(walk.Account.Lots!.InOrder.Select(lot => lot.Remaining)));
            Assert.Equal(wallet.Held, Sum(walk.Holds.Values.Where(hold => hold.State == HoldState.Open).Select(hold => hold.Amount)));
            foreach (var budget in walk.Budgets) AssertFollows(budget, walk.Holds.Values);
        }

        Assert.Empty(Prove(walk));
    });

    [Fact]
    public void Lots_agree_with_a_ledger_that_counts_credits_one_by_one() => ForAnySteps((steps, walk) =>
    {
        var counted = new CountedCredits();
        foreach (var step in steps)
        {
            var known = walk.Account.Entries.Count;
            walk.Take(step);
            foreach (var entry in walk.Account.Entries.Skip(known)) counted.Follow(entry);
            Assert.Equal(counted.ByLot(), walk.Account.Lots!.InOrder
                .Where(lot => lot.Remaining > Credits.Zero)
                .ToDictionary(lot => lot.Seq, lot => (int)lot.Remaining.ToDecimal()));
        }
    });

    [Fact]
    public void What_expires_agrees_with_a_ledger_that_counts_credits_one_by_one() => ForAnySteps((steps, walk) =>
    {
        var counted = new CountedCredits();
        foreach (var step in steps)
        {
            var known = walk.Account.Entries.Count;
            walk.Take(step);
            foreach (var entry in walk.Account.Entries.Skip(known)) counted.Follow(entry);
            // Whatever the command was, what is past its date and not held is gone after it.
            walk.Take(new(Kind: 7, 0, 0));
            foreach (var entry in walk.Account.Entries.Skip(known).Where(entry => !counted.Knows(entry))) counted.Follow(entry);
            Assert.Equal(0, counted.Overdue((int)walk.Account.Wallet.Held.ToDecimal(), walk.Now));
        }
    });

    [Fact]
    public void Lots_that_follow_later_come_out_the_same() => ForAnySteps((steps, walk) =>
    {
        foreach (var step in steps) walk.Take(step);

        var later = new Lots([]);
        foreach (var entry in walk.Account.Entries) later.Follow(Movement.Of(entry));

        Assert.Equal(
            walk.Account.Lots!.InOrder.Select(lot => (lot.Seq, lot.Remaining)),
            later.InOrder.Select(lot => (lot.Seq, lot.Remaining)));
    });

    [Fact]
    public void What_lots_lost_day_by_day_is_what_is_gone_of_them() => ForAnySteps((steps, walk) =>
    {
        foreach (var step in steps) walk.Take(step);

        foreach (var lot in walk.Account.Lots!.InOrder)
        {
            var lost = walk.Account.Lots.Burns.Where(burn => burn.Lot == lot.Seq).ToList();
            Assert.Equal(lot.Amount - lot.Remaining, Sum(lost.Select(burn => burn.Amount)));
            Assert.All(lost, burn => Assert.True(burn.Kind == EntryKind.Reversal || burn.Amount >= Credits.Zero));
        }
    });

    [Fact]
    public void A_refusal_changes_nothing() => ForAnySteps((steps, walk) =>
    {
        foreach (var step in steps)
        {
            // Time alone may expire lots and holds; that is not the refused command's doing.
            walk.LetTimePass();
            var before = (walk.Account.Wallet, walk.Account.Entries.Count);
            if (walk.TakeNow(step) is Decision.Refused) Assert.Equal(before, (walk.Account.Wallet, walk.Account.Entries.Count));
        }
    });

    static void ForAnySteps(Action<Step[], Walk> property)
    {
        var step =
            from kind in Gen.Choose(0, 11)
            from amount in Gen.Choose(-1, 12)
            from choice in Gen.Choose(0, 20)
            select new Step(kind, amount, choice);
        Prop.ForAll(step.ArrayOf().ToArbitrary(), steps => property(steps, new())).QuickCheckThrowOnFailure();
    }

    static void AssertFollows(Budget budget, IEnumerable<Hold> holds)
    {
        var counted = holds.Where(hold => budget.Amount is not null && budget.Counts(hold)).ToList();
        Assert.Equal(budget.Held, Sum(counted.Where(hold => hold.State == HoldState.Open).Select(hold => hold.Amount)));
        Assert.Equal(budget.Used, Sum(counted.Select(hold => hold.Captured)));
        Assert.True(budget.Left is null || budget.Left >= Credits.Zero);
    }

    static IReadOnlyList<Difference> Prove(Walk walk)
    {
        var account = walk.Account;
        var proof = new Proof(account.Wallet, account.Wallet.Held, [.. account.Lots!.InOrder], account.Wallet.Seq)
        {
            Burns = [.. account.Lots.Burns],
        };
        foreach (var entry in account.Entries) proof.Next(entry);
        return proof.Close();
    }

    static Credits Sum(IEnumerable<Credits> amounts) => amounts.Aggregate(Credits.Zero, (sum, amount) => sum + amount);

    /// <summary>Numbers that stand for a command, so that a failing sequence can be shortened.</summary>
    sealed record Step(int Kind, int Amount, int Choice);

    /// <summary>An account on its way, a minute for each step, from ten minutes before the month ends.</summary>
    sealed class Walk
    {
        static readonly DateTimeOffset MonthEnd = new(2026, 2, 1, 0, 0, 0, TimeSpan.Zero);

        readonly Dictionary<Id<Budget>, Budget> budgets = new[]
        {
            Given.Budget with { Id = BudgetId(1), Amount = 15.Credits },
            Budget.Open(BudgetId(2), BudgetPeriod.Total, 25.Credits, Given.Noon),
            Budget.Open(BudgetId(3), BudgetPeriod.Day, null, Given.Noon),
            Given.Budget with { Id = BudgetId(4), Closed = true },
        }.ToDictionary(budget => budget.Id);

        public Walk() => Account = new(Wallet.Empty(WalletId.Of(Given.Customer)), [], budgets.Values, new([]));

        public Account Account { get; }

        public IReadOnlyCollection<Budget> Budgets => budgets.Values;

        public Dictionary<long, Hold> Holds { get; } = [];

        public DateTimeOffset Now { get; private set; } = MonthEnd.AddMinutes(-10);

        public Decision Take(Step step)
        {
            Now += TimeSpan.FromMinutes(1);
            return TakeNow(step);
        }

        public Decision TakeNow(Step step)
        {
            var decision = Account.Run(CommandOf(step), Now);
            foreach (var hold in Account.ChangedHolds) Holds[hold.Id.Number] = hold;
            foreach (var budget in Account.ChangedBudgets) budgets[budget.Id] = budget;
            return decision;
        }

        /// <summary>A minute, after which all that is past its date has ended.</summary>
        public void LetTimePass()
        {
            Now += TimeSpan.FromMinutes(1);
            foreach (var number in Holds.Keys.ToList()) Account.Run(new Command.ExpireHold(number), Now);
            TakeNow(new(Kind: 7, 0, 0));
        }

        // Of those from 1 to 4 there are budgets.
        static Id<Budget> BudgetId(int number) => new(new(number, 0, 0, new byte[8]));

        Command CommandOf(Step step)
        {
            var amount = step.Amount.Credits;
            var hold = Holds.Count == 0 ? 1 : (step.Choice % Holds.Count) + 1;
            var source = step.Choice % 4 == 3 ? GrantSource.Subscription : GrantSource.Purchase;
            var lot = Account.Lots!.InOrder.Select(one => one.Seq).Order().ElementAtOrDefault(step.Choice % 5);
            var terms = new GrantTerms(
                source, step.Choice % 3, step.Choice % 2 == 0 ? Now.AddMinutes(step.Choice + 1) : null, null);
            return step.Kind switch
            {
                0 => new Command.Grant(amount, terms, null, null),
                1 => new Command.Grant(amount, terms, null, null, step.Choice % 3 == 0 ? 15.Credits : null),
                2 => new Command.Charge(amount, null, null, null) { Uncharged = step.Choice % 5 == 4 },
                3 => new Command.PlaceHold(
                    amount,
                    TimeSpan.FromMinutes((step.Choice % 6) + 1),
                    null,
                    null,
                    null,
                    step.Choice % 3 == 0 ? 2.Credits : null,
                    step.Choice % 7 == 6 ? null : BudgetId(step.Choice % 7))
                {
                    Uncharged = step.Choice % 5 == 4,
                },
                4 => new Command.Capture(hold, amount, null) { Uncharged = step.Choice % 6 == 5 },
                5 => new Command.Release(hold),
                6 => new Command.Adjust(step.Choice % 2 == 0 ? amount : -amount, "test"),
                7 => new Command.ExpireLots(),
                8 => new Command.SetAside(amount, "dispute", null),
                9 => new Command.Restore(amount, lot, "won", null),
                10 => new Command.Reverse(amount, lot, "lost", null, hold),
                _ => new Command.Reverse(amount, step.Choice % 2 == 0 ? lot : null, "refund", null),
            };
        }
    }

    /// <summary>The obvious way: every single credit is a thing of its own, with its lot's rank.</summary>
    sealed class CountedCredits
    {
        readonly List<(int Priority, DateTimeOffset Expiry, long Lot)> credits = [];
        readonly HashSet<long> known = [];
        readonly Dictionary<long, (int, DateTimeOffset, long)> lots = [];

        public bool Knows(Entry entry) => known.Contains(entry.Id.Seq);

        public void Follow(Entry entry)
        {
            known.Add(entry.Id.Seq);
            var count = (int)Math.Abs(entry.Amount.ToDecimal());
            if (entry.Terms is { } terms)
            {
                var credit = (terms.Priority, terms.ExpiresAt ?? DateTimeOffset.MaxValue, entry.Id.Seq);
                lots.Add(entry.Id.Seq, credit);
                credits.AddRange(Enumerable.Repeat(credit, count));
                return;
            }

            if (entry.Amount > Credits.Zero)
            {
                credits.AddRange(Enumerable.Repeat(lots[entry.Lot!.Value], count));
                return;
            }

            for (var i = 0; i < count; i++)
            {
                var next = credits.Where(credit => credit.Lot == entry.Lot).Concat(credits.Order()).First();
                credits.Remove(next);
            }
        }

        public Dictionary<long, int> ByLot() => credits.GroupBy(credit => credit.Lot).ToDictionary(lot => lot.Key, lot => lot.Count());

        public int Overdue(int held, DateTimeOffset now) => credits.Order().Skip(held).Count(credit => credit.Expiry <= now);
    }
}
