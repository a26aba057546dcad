using System.Globalization;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Core.Payments;
using Purser.Server.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>The credits that an order brought: what is left of them, and taking them back lot by lot.</summary>
sealed class OrderCredits(CreditLedger ledger, Db db)
{
    /// <summary>What is known of an order when money of it goes back; refunds on their way count as gone.</summary>
    /// <param name="except">A refund that is itself in question.</param>
    public async Task<RefundFacts> Facts(OrderRow order, Id<Refund>? except, CancellationToken ct)
    {
        var grants = await db.Grants(order.Id, ct);
        var lots = await Lots(order.Customer, [.. grants.Select(grant => grant.Lot)], ct);
        var pending = await db.PendingRefunds(order.Id, except, ct);
        return new(
            order.PaidAt is not null,
            order.Disputed,
            order.Received.Minor,
            order.RefundedMinor + pending.Sum(refund => refund.Minor),
            new(order.Returned.Micros + pending.Sum(refund => refund.Credits.Micros)),
            lots);
    }

    public async Task<Credits> Available(CustomerId customer, CancellationToken ct)
    {
        var wallet = WalletId.Of(customer);
        var rows = await db.All($"""
            select balance - held from wallet where bucket = {wallet.Bucket} and id = {wallet.Value}
            """, row => row.GetCredits(0), ct);
        return rows.SingleOrDefault();
    }

    /// <summary>How credits are taken from the order's lots, decided once and written down before the first is taken.</summary>
    public async Task<string> Spread(OrderRow order, Credits credits, CancellationToken ct)
    {
        var facts = await Facts(order, except: null, ct);
        return string.Join(',', Refunding.Spread(facts.Lots, credits).Select(part =>
            string.Create(CultureInfo.InvariantCulture, $"{part.Lot}:{part.Amount.Micros}")));
    }

    /// <param name="hold">What was set aside: it ends with the first lot.</param>
    public async Task Take(OrderRow order, string identity, string spread, long? hold, string reason, DateTimeOffset now)
    {
        var parts = Parts(spread);
        for (var i = 0; i < parts.Count; i++)
        {
            var (lot, amount) = parts[i];
            await ledger.Reverse(
                order.Customer,
                $"{identity}:{i}",
                new(amount, lot, reason, order.Reference, i == 0 ? hold : null),
                now);
        }

        if (parts.Count == 0 && hold is { } unused) await ledger.GiveBack(order.Customer, unused, now);
    }

    public async Task PutBack(OrderRow order, string identity, string spread, string reason, DateTimeOffset now)
    {
        var parts = Parts(spread);
        for (var i = 0; i < parts.Count; i++)
            await ledger.Restore(order.Customer, $"{identity}:{i}", new(parts[i].Amount, parts[i].Lot, reason, order.Reference), now);
    }

    static List<(long Lot, Credits Amount)> Parts(string spread) =>
    [
        .. from part in spread.Split(',', StringSplitOptions.RemoveEmptyEntries)
           let at = part.IndexOf(':')
           select (long.Parse(part[..at], CultureInfo.InvariantCulture),
               new Credits(long.Parse(part[(at + 1)..], CultureInfo.InvariantCulture))),
    ];

    async Task<IReadOnlyList<RefundableLot>> Lots(CustomerId customer, long[] seqs, CancellationToken ct)
    {
        var wallet = WalletId.Of(customer);
        await using var read = await db.Snapshot(ct);
        var live = await LotRows.Read(read.Connection, wallet, ct);
        var rows = await read.All($"""
            select seq, amount, reversed from lot
            where bucket = {wallet.Bucket} and wallet_id = {wallet.Value} and seq = any({seqs})
            """, row => (Seq: row.GetInt64(0), Amount: row.GetCredits(1), Reversed: row.GetCredits(2)), ct);
        return [.. rows.Select(row => new RefundableLot(
            row.Seq, row.Amount, live.Find(row.Seq)?.Remaining ?? Credits.Zero, row.Reversed))];
    }
}
