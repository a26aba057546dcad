using System.Text.Json;
using Npgsql;
using Purser.Core;
using Purser.Core.Gateway;
using Purser.Core.Ledger;
using Purser.Core.Pricing;
using Purser.Server.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Gateway;

/// <summary>What is kept of a call for ever. Nothing of a prompt or an answer is in it.</summary>
sealed record CallRow(HoldId Hold, Id<VirtualKey> Key, Wire Wire, string Model, DateTimeOffset StartedAt)
{
    public bool Stream { get; init; }
    public bool OwnKey { get; init; }
    public Ending Ending { get; init; }
    public bool Estimated { get; init; }
    public Credits Held { get; init; }
    public MeterCounts? Used { get; init; }
    public Credits Price { get; init; }
    public ProviderCost Cost { get; init; }
    public string? ServiceTier { get; init; }
    public long? LimitedTo { get; init; }
    public long? FallbackOf { get; init; }
    public int? ProviderStatus { get; init; }
    public string? ProviderRequest { get; init; }
    public TimeSpan? FirstByteAfter { get; init; }
    public TimeSpan Took { get; init; }

    public CallId Id => new(Hold.Wallet, Hold.Number);
}

/// <summary>A call's row and what the ledger took for it.</summary>
/// <param name="Uncharged">Its price, where charging was off.</param>
sealed record StoredCall(CallRow Call, Credits Charged, Credits Shortfall, Credits Uncharged, long? Entry);

static class CallRows
{
    const string InsertCalls = """
        insert into call (bucket, wallet_id, number, key, wire, model, stream, own_key, ending, estimated, held, charged, shortfall, entry,
          usage, service_tier, limited_to, fallback_of, provider_status, provider_request, started_at, first_byte_ms, took_ms, uncharged, cost)
        select unnest($1::int[]), unnest($2::uuid[]), unnest($3::bigint[]), unnest($4::uuid[]), unnest($5::smallint[]), unnest($6::text[]),
          unnest($7::boolean[]), unnest($8::boolean[]), unnest($9::smallint[]), unnest($10::boolean[]), unnest($11::bigint[]),
          unnest($12::bigint[]), unnest($13::bigint[]), unnest($14::bigint[]), unnest($15::text[]), unnest($16::text[]), unnest($17::bigint[]),
          unnest($18::bigint[]), unnest($19::int[]), unnest($20::text[]), unnest($21::timestamptz[]), unnest($22::int[]), unnest($23::int[]),
          unnest($24::bigint[]), unnest($25::bigint[])
        """;

    const string AddToDays = """
        insert into call_day as d (bucket, wallet_id, day, key, model, calls, prompt_tokens, cached_tokens, answer_tokens, charged, cost)
        select unnest($1::int[]), unnest($2::uuid[]), unnest($3::date[]), unnest($4::uuid[]), unnest($5::text[]), unnest($6::bigint[]),
          unnest($7::bigint[]), unnest($8::bigint[]), unnest($9::bigint[]), unnest($10::bigint[]), unnest($11::numeric[])
        on conflict (bucket, wallet_id, day, key, model) do update
        set calls = d.calls + excluded.calls, prompt_tokens = d.prompt_tokens + excluded.prompt_tokens,
          cached_tokens = d.cached_tokens + excluded.cached_tokens, answer_tokens = d.answer_tokens + excluded.answer_tokens,
          charged = d.charged + excluded.charged, cost = d.cost + excluded.cost
        """;

    /// <summary>Written in the transaction in which the ledger settles the calls.</summary>
    public static readonly Riders<CallRow> Riders = new(Write);

    static void Write(NpgsqlBatch batch, List<(CallRow Call, Receipt Receipt)> settled)
    {
        var calls = settled.Select(one => Stored(one.Call, one.Receipt)).ToArray();
        batch.Add(
            InsertCalls,
            Column(calls, one => one.Call.Hold.Wallet.Bucket),
            Column(calls, one => one.Call.Hold.Wallet.Value),
            Column(calls, one => one.Call.Hold.Number),
            Column(calls, one => one.Call.Key.Value),
            Column(calls, one => (short)one.Call.Wire),
            Column(calls, one => one.Call.Model),
            Column(calls, one => one.Call.Stream),
            Column(calls, one => one.Call.OwnKey),
            Column(calls, one => (short)one.Call.Ending),
            Column(calls, one => one.Call.Estimated),
            Column(calls, one => one.Call.Held.Micros),
            Column(calls, one => one.Charged.Micros),
            Column(calls, one => one.Shortfall.Micros),
            Column(calls, one => one.Entry),
            Column(calls, one => Text(one.Call.Used)),
            Column(calls, one => one.Call.ServiceTier),
            Column(calls, one => one.Call.LimitedTo),
            Column(calls, one => one.Call.FallbackOf),
            Column(calls, one => one.Call.ProviderStatus),
            Column(calls, one => one.Call.ProviderRequest),
            Column(calls, one => one.Call.StartedAt),
            Column(calls, one => Milliseconds(one.Call.FirstByteAfter)),
            Column(calls, one => Milliseconds(one.Call.Took)!.Value),
            Column(calls, one => one.Uncharged.Micros),
            Column(calls, one => one.Call.Cost.PicoUsd));
        AddDays(batch, calls);
        UnchargedRows.Write(batch, settled.ConvertAll(one => (Usage(one.Call), one.Receipt)));
    }

    // One row for all calls of a kind: an upsert may not meet the same row twice. In the order of the rows, as the locks are taken.
    static void AddDays(NpgsqlBatch batch, StoredCall[] calls)
    {
        var days = (from one in calls
                    let day = DateOnly.FromDateTime(one.Call.StartedAt.UtcDateTime)
                    group one by (one.Call.Hold.Wallet, Day: day, one.Call.Key, one.Call.Model) into same
                    orderby same.Key.Wallet.Value, same.Key.Day, same.Key.Key.Value, same.Key.Model
                    select same).ToArray();
        batch.Add(
            AddToDays,
            Column(days, one => one.Key.Wallet.Bucket),
            Column(days, one => one.Key.Wallet.Value),
            Column(days, one => one.Key.Day),
            Column(days, one => one.Key.Key.Value),
            Column(days, one => one.Key.Model),
            Column(days, one => (long)one.Count()),
            Column(days, one => one.Sum(call => call.Call.Used?.PromptTokens ?? 0)),
            Column(days, one => one.Sum(call => call.Call.Used?[Meter.CachedInputTokens] ?? 0)),
            Column(days, one => one.Sum(call => call.Call.Used?.AnswerTokens ?? 0)),
            Column(days, one => one.Sum(call => call.Charged.Micros)),
            Column(days, one => one.Sum(call => (decimal)call.Call.Cost.PicoUsd)));
    }

    public static Task<StoredCall?> Call(this Db db, CallId id, CancellationToken ct) => db.One($"""
        select wallet_id, number, key, wire, model, started_at, stream, own_key, ending, estimated, held, usage, service_tier, limited_to,
          fallback_of, provider_status, provider_request, first_byte_ms, took_ms, charged, shortfall, entry, uncharged, cost
        from call where bucket = {id.Wallet.Bucket} and wallet_id = {id.Wallet.Value} and number = {id.Number}
        """, Read, ct);

    /// <summary>Newest first.</summary>
    public static Task<List<StoredCall>> Calls(this Db db, WalletId wallet, Id<VirtualKey>? key, long before, int count, CancellationToken ct) =>
        key is { } one
            ? db.All($"""
                select wallet_id, number, key, wire, model, started_at, stream, own_key, ending, estimated, held, usage, service_tier,
                  limited_to, fallback_of, provider_status, provider_request, first_byte_ms, took_ms, charged, shortfall, entry, uncharged, cost
                from call where bucket = {wallet.Bucket} and wallet_id = {wallet.Value} and key = {one} and number < {before}
                order by number desc limit {count}
                """, Read, ct)
            : db.All($"""
                select wallet_id, number, key, wire, model, started_at, stream, own_key, ending, estimated, held, usage, service_tier,
                  limited_to, fallback_of, provider_status, provider_request, first_byte_ms, took_ms, charged, shortfall, entry, uncharged, cost
                from call where bucket = {wallet.Bucket} and wallet_id = {wallet.Value} and number < {before}
                order by number desc limit {count}
                """, Read, ct);

    public static string? Text(MeterCounts? used) =>
        used is null ? null : JsonSerializer.Serialize(used.ToUsage(), GatewayJson.Default.DictionaryStringInt64);

    public static MeterCounts? Used(string? text)
    {
        if (text is null) return null;

        var counts = new MeterCounts();
        foreach (var (key, count) in JsonSerializer.Deserialize(text, GatewayJson.Default.DictionaryStringInt64)!)
            if (Meters.TryParseUsage(key, out var meter)) counts[meter] = count;
        return counts;
    }

    static StoredCall Stored(CallRow call, Receipt receipt) => receipt.Entry is { } entry
        ? new(call, receipt.Amount, receipt.Missing, Usage(call).IsUncharged(receipt) ? call.Price : Credits.Zero, entry)
        : new(call, Credits.Zero, Credits.Zero, Credits.Zero, null);

    static PricedUsage Usage(CallRow call) => new(call.Hold.Wallet, call.Price);

    static StoredCall Read(NpgsqlDataReader row) => new(
        new(new(new(row.GetGuid(0)), row.GetInt64(1)), row.GetId<VirtualKey>(2), (Wire)row.GetInt16(3), row.GetString(4), row.GetInstant(5))
        {
            Stream = row.GetBoolean(6),
            OwnKey = row.GetBoolean(7),
            Ending = (Ending)row.GetInt16(8),
            Estimated = row.GetBoolean(9),
            Held = row.GetCredits(10),
            Used = Used(row.Text(11)),
            ServiceTier = row.Text(12),
            LimitedTo = row.Maybe<long>(13),
            FallbackOf = row.Maybe<long>(14),
            ProviderStatus = row.Maybe<int>(15),
            ProviderRequest = row.Text(16),
            FirstByteAfter = row.Maybe<int>(17) is { } first ? TimeSpan.FromMilliseconds(first) : null,
            Took = TimeSpan.FromMilliseconds(row.GetInt32(18)),
            Cost = new(row.GetInt64(23)),
        },
        row.GetCredits(19),
        row.GetCredits(20),
        row.GetCredits(22),
        row.Maybe<long>(21));

    static int? Milliseconds(TimeSpan? time) => time is { } some ? (int)Math.Min(some.TotalMilliseconds, int.MaxValue) : null;

    static TValue[] Column<TRow, TValue>(TRow[] rows, Func<TRow, TValue> value) => Array.ConvertAll(rows, row => value(row));
}
