using Purser.Server.Identity;
using Purser.Server.Platform;
using static Microsoft.AspNetCore.Http.TypedResults;

namespace Purser.Server.Insight;

/// <summary>What an account was debited and credited with on a day, in the smallest unit of the currency.</summary>
sealed record JournalAnswer(string Day, string Kind, string Account, decimal Debit, decimal Credit, string Currency);

sealed record JournalPage(string From, string To, IReadOnlyList<JournalAnswer> Data);

/// <summary>Revenue as it is earned: the view journal, day by day. Its single transactions are for psql.</summary>
static class Journal
{
    public static void MapJournal(this IEndpointRouteBuilder routes) => routes.MapGet("/v1/journal", List).WithTags("Insight").AdminOnly()
        .WithSummary("Purchases, consumption and cost in double entry, by day").Produces<JournalPage>()
        .WithQuery("from", "The first day, of UTC: 2026-11-20. Thirty days in all, if left out.")
        .WithQuery("to", "The last day; today, if left out.");

    static async Task<IResult> List(Db db, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var (from, to) = Days.Span(http, time.Now());

        var rows = await db.All($"""
            select day, kind, account, sum(debit), sum(credit), currency from journal
            where day between {from} and {to}
            group by day, kind, account, currency order by day, kind, currency, account
            """, row => new JournalAnswer(
                row.GetFieldValue<DateOnly>(0).Text(), row.GetString(1), row.GetString(2), row.GetDecimal(3), row.GetDecimal(4), row.GetString(5)), ct);
        return Ok(new JournalPage(from.Text(), to.Text(), rows));
    }
}
