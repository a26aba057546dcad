using Npgsql;
using Purser.Core;
using Purser.Core.Gateway;
using Purser.Core.Ledger;
using Purser.Server.Ledger;
using Purser.Server.Platform;
using static Microsoft.AspNetCore.Http.TypedResults;

namespace Purser.Server.Gateway;

/// <param name="State">running, or how it ended.</param>
/// <param name="Usage">By meter, in counts that do not overlap.</param>
/// <param name="Uncharged">Its price, where charging was off.</param>
/// <param name="Estimated">The provider told no usage, or not all of it.</param>
/// <param name="CostUsd">What its provider charges for it.</param>
sealed record CallAnswer(
    string Id, string? Key, string State, string? Api, string? Model, bool? Stream, bool? OwnKey, Credits Held, Credits Charged, Credits? Shortfall,
    Credits? Uncharged, bool? Estimated, Dictionary<string, long>? Usage, string? ServiceTier, long? LimitedTo, string? FallbackOf, int? ProviderStatus,
    string? ProviderRequest, DateTimeOffset? StartedAt, int? FirstByteMs, int? TookMs, decimal? CostUsd, string? Entry, QuoteAnswer? Quote);

sealed record UsageAnswer(
    string? Model, string? Day, string? Key, long Calls, long PromptTokens, long CachedTokens, long AnswerTokens, Credits Charged);

sealed record UsagePage(string From, string To, IReadOnlyList<UsageAnswer> Data, UsageAnswer Total);

static class CallEndpoints
{
    public static void MapCalls(this IEndpointRouteBuilder routes)
    {
        var v1 = routes.MapGroup("/v1").WithTags("Gateway");
        v1.MapGet("/calls/{call}", Get).WithSummary("What was held, used and charged for a call, and why").Produces<CallAnswer>();
        v1.MapGet("/customers/{customer}/calls", List).WithSummary("A customer's calls that have ended, newest first").Produces<Page<CallAnswer>>()
            .WithQuery("key", "The id of a key: only calls that were made with it.");
        v1.MapGet("/customers/{customer}/usage", Usage).WithSummary("Sums of a customer's calls by model, day and key").Produces<UsagePage>()
            .WithQuery("from", "The first day, of UTC: 2026-11-20. Thirty days in all, if left out.")
            .WithQuery("to", "The last day; today, if left out.")
            .WithQuery("group_by", "One or more of model, day and key, with commas between them.");
    }

    static async Task<IResult> Get(CallId call, Db db, HttpContext http, CancellationToken ct)
    {
        if (await db.Call(call, ct) is { } stored)
        {
            var entry = stored.Entry is { } seq ? await db.Entry(new(call.Wallet, seq), ct) : null;
            return Ok(Answer(stored, entry?.Quote));
        }

        // Not settled yet: its hold is all there is.
        return await db.One($"""
            select amount, budget, expires_at from hold
            where bucket = {call.Wallet.Bucket} and wallet_id = {call.Wallet.Value} and number = {call.Number} and budget is not null and state = 1
            """, row => Running(call, row.GetCredits(0), row.GetId<VirtualKey>(1)), ct) is { } running
            ? Ok(running)
            : Error.NotFound("call").Answer(http);
    }

    static async Task<IResult> List(CustomerId customer, Db db, HttpContext http, CancellationToken ct)
    {
        var limit = Paging.Limit(http);
        var wallet = WalletId.Of(customer);
        var before = Paging.After<CallId>(http, id => id.Wallet == wallet)?.Number ?? long.MaxValue;
        Id<VirtualKey>? key = http.Request.Query.TryGetValue("key", out var given)
            ? Id<VirtualKey>.TryParse(given, null, out var id) ? id : throw new InvalidRequestException("key", "'key' is the id of a key.")
            : null;
        var calls = await db.Calls(wallet, key, before, limit + 1, ct);
        var quotes = await db.Quotes(wallet, [.. calls.Where(call => call.Entry is not null).Select(call => call.Entry!.Value)], ct);
        return Ok(calls.ConvertAll(call => Answer(call, quotes.GetValueOrDefault(call.Entry ?? 0))).Page(limit));
    }

    static async Task<IResult> Usage(CustomerId customer, Db db, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var (from, to) = Days.Span(http, time.Now());

        var (model, day, key) = Grouping(http);
        var wallet = WalletId.Of(customer);
        var rows = await db.All($"""
            select case when {model} then model end, case when {day} then d.day end, case when {key} then d.key end,
              sum(calls)::bigint, sum(prompt_tokens)::bigint, sum(cached_tokens)::bigint, sum(answer_tokens)::bigint, sum(charged)::bigint
            from call_day d
            where bucket = {wallet.Bucket} and wallet_id = {wallet.Value} and d.day between {from} and {to}
            group by 1, 2, 3 order by 2, 8 desc, 1, 3
            """, ReadUsage, ct);
        var total = new UsageAnswer(
            null, null, null, rows.Sum(row => row.Calls), rows.Sum(row => row.PromptTokens), rows.Sum(row => row.CachedTokens),
            rows.Sum(row => row.AnswerTokens), new(rows.Sum(row => row.Charged.Micros)));
        return Ok(new UsagePage(from.Text(), to.Text(), rows, total));
    }

    static UsageAnswer ReadUsage(NpgsqlDataReader row) => new(
        row.Text(0),
        row.Maybe<DateOnly>(1) is { } day ? day.Text() : null,
        row.Maybe<Guid>(2) is { } key ? new Id<VirtualKey>(key).ToString() : null,
        row.GetInt64(3),
        row.GetInt64(4),
        row.GetInt64(5),
        row.GetInt64(6),
        row.GetCredits(7));

    static (bool Model, bool Day, bool Key) Grouping(HttpContext http)
    {
        var names = http.Request.Query["group_by"].ToString().Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (names.FirstOrDefault(name => name is not ("model" or "day" or "key")) is not null)
            throw new InvalidRequestException("group_by", "'group_by' is one or more of model, day and key, with commas between them.");

        return (names.Contains("model"), names.Contains("day"), names.Contains("key"));
    }

    static CallAnswer Answer(StoredCall stored, QuoteAnswer? quote)
    {
        var call = stored.Call;
        return new(
            call.Id.ToString(),
            call.Key.ToString(),
            Names.Of(call.Ending),
            Names.Of(call.Wire),
            call.Model,
            call.Stream,
            call.OwnKey ? true : null,
            call.Held,
            stored.Charged,
            stored.Shortfall == Credits.Zero ? null : stored.Shortfall,
            stored.Uncharged == Credits.Zero ? null : stored.Uncharged,
            call.Estimated,
            call.Used?.ToUsage(),
            call.ServiceTier,
            call.LimitedTo,
            call.FallbackOf is { } number ? new CallId(call.Hold.Wallet, number).ToString() : null,
            call.ProviderStatus,
            call.ProviderRequest,
            call.StartedAt,
            (int?)call.FirstByteAfter?.TotalMilliseconds,
            (int)call.Took.TotalMilliseconds,
            call.Cost.ToUsd(),
            stored.Entry is { } seq ? new EntryId(call.Hold.Wallet, seq).ToString() : null,
            quote);
    }

    static CallAnswer Running(CallId call, Credits held, Id<VirtualKey> key) => new(
        call.ToString(), key.ToString(), "running", null, null, null, null, held, Credits.Zero, null, null, null, null, null, null, null, null,
        null, null, null, null, null, null, null);
}
