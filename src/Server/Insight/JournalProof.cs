using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using Purser.Server.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Insight;

sealed record JournalProofAnswer(bool Ok, IReadOnlyList<string> Differences);

/// <summary>
/// Holds the journal against where it comes from, by another way than the one it is made: each transaction balances, and the
/// accounts are what orders, lots and calls add up to.
/// </summary>
static class JournalProof
{
    const int MostShown = 100;

    /// <summary>What a sum of the journal is, and what the ledger, the orders or the calls make of it.</summary>
    sealed record Total(string Account, string Currency, decimal Journal, decimal Elsewhere);

    /// <summary>./purser verify: the ledger, and what is derived from it.</summary>
    public static async Task<int> Verify(NpgsqlDataSource source, TextWriter output, CancellationToken ct)
    {
        var ledger = await new Verification(source).Run(ct);
        var journal = await Run(source, ct);
        var answer = JsonSerializer.SerializeToNode(ledger, VerificationJson.Default.VerificationAnswer)!.AsObject();
        answer["ok"] = ledger.Ok && journal.Ok;
        answer["journal"] = JsonSerializer.SerializeToNode(journal, JournalJson.Default.JournalProofAnswer);
        await output.WriteLineAsync(answer.ToJsonString());
        return ledger.Ok && journal.Ok ? 0 : 1;
    }

    public static async Task<JournalProofAnswer> Run(NpgsqlDataSource source, CancellationToken ct)
    {
        await using var tx = await new Db(source).Snapshot(ct);
        var differences = await Unbalanced(tx, ct);
        differences.AddRange(await Uncharged(tx, ct));
        differences.AddRange(
            from total in await Totals(tx, ct)
            where total.Journal != total.Elsewhere
            select $"{total.Account} ({total.Currency}) comes to {total.Journal} in the journal, and to {total.Elsewhere} where it comes from");
        return new(differences.Count == 0, differences);
    }

    static Task<List<string>> Unbalanced(Tx tx, CancellationToken ct) => tx.All($"""
        select transaction, currency, sum(debit), sum(credit) from journal
        group by transaction, currency having sum(debit) <> sum(credit) limit {MostShown}
        """, row => $"{row.GetString(0)} ({row.GetString(1)}) is debited with {row.GetDecimal(2)} and credited with {row.GetDecimal(3)}", ct);

    /// <summary>Usage that was not charged took nothing when it was recorded, and its price once when it was charged later.</summary>
    static Task<List<string>> Uncharged(Tx tx, CancellationToken ct) => tx.All($"""
        select u.wallet_id, u.seq
        from uncharged u
        left join entry recorded on recorded.bucket = u.bucket and recorded.wallet_id = u.wallet_id and recorded.seq = u.seq
        left join entry later on later.bucket = u.bucket and later.wallet_id = u.wallet_id and later.seq = u.charge
        where recorded.kind is distinct from 2 or recorded.amount <> 0
          or (u.charge is not null and later.amount is distinct from -u.amount)
        limit {MostShown}
        """, row => $"what wallet {row.GetGuid(0):N} was not charged for with entry {row.GetInt64(1)} is not borne out by its entries", ct);

    // Money that came in less what went back; what customers have paid for and not used; what providers charge. Of each lot, so
    // much of what was paid is earned as of its credits is gone.
    static Task<List<Total>> Totals(Tx tx, CancellationToken ct) => tx.All($"""
        with direct as (
          select l.paid_currency as currency, l.paid_minor as minor
          from lot l join customer c on c.wallet_id = l.wallet_id
          where l.paid_minor > 0 and (c.id, l.seq) not in (select o.customer, g.lot from order_grant g join orders o on o.id = g.order_id)
        ), elsewhere (account, currency, amount) as (
          select 'cash', currency, coalesce(paid_minor, money_minor) - refunded_minor from orders where paid_at is not null
          union all select 'cash', currency, minor from direct
          union all select 'deferred_revenue', currency, -coalesce(paid_minor, money_minor) from orders where paid_at is not null
          union all select 'deferred_revenue', o.currency, g.paid_minor from order_grant g join orders o on o.id = g.order_id
          union all
          select 'deferred_revenue', paid_currency,
            div(paid_minor * 1000000::numeric * (amount - remaining), amount) * 0.000001 - paid_minor
          from lot where paid_minor > 0
          union all select 'cogs', 'usd', cost * 0.0000000001 from call
        ), expected as (
          select account, currency, sum(amount) as amount from elsewhere group by account, currency
        ), found as (
          select account, currency, sum(debit) - sum(credit) as amount from journal
          where account in ('cash', 'deferred_revenue', 'cogs') group by account, currency
        )
        select account, currency, coalesce(f.amount, 0), coalesce(e.amount, 0)
        from found f full join expected e using (account, currency)
        where coalesce(f.amount, 0) <> 0 or coalesce(e.amount, 0) <> 0
        order by account, currency
        """, row => new Total(row.GetString(0), row.GetString(1), row.GetDecimal(2), row.GetDecimal(3)), ct);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(JournalProofAnswer))]
sealed partial class JournalJson : JsonSerializerContext;
