using Npgsql;
using Purser.Core;
using Purser.Core.Gateway;
using Purser.Core.Ledger;
using Purser.Core.Pricing;
using Purser.Server.Catalog;
using Purser.Server.Platform;

namespace Purser.Server.Gateway;

/// <summary>
/// Finds holds of calls whose server has gone, and settles them by what was written down of them: what had come by then, or
/// nothing. A server that lives shows it by the beat of its calls; one that is silent while we can see the database is
/// given time.
/// </summary>
sealed class Recovery(Db db, CallLedger ledger, CurrentCatalog catalog, Patience patience)
{
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(20);

    static readonly TimeSpan Every = TimeSpan.FromSeconds(5);
    static readonly TimeSpan Youth = TimeSpan.FromSeconds(5);

    const int Most = 20_000;

    // What was seen last of a call, and since when nothing else was.
    readonly Dictionary<HoldId, (long Beat, DateTimeOffset Since)> seen = [];
    DateTimeOffset lastLook;

    public static Job Job(IServiceProvider provider)
    {
        var recovery = provider.GetRequiredService<Recovery>();
        return new("settle calls of servers that are gone", Every, recovery.Look);
    }

    sealed record Open(HoldId Hold, Credits Held, bool Uncharged, Id<VirtualKey> Key, string Model, DateTimeOffset PlacedAt, Progress? Progress)
    {
        public long Beat => Progress?.Beat ?? 0;
    }

    sealed record Progress(
        long Beat, Wire Wire, bool Stream, bool OwnKey, string? ServiceTier, MeterCounts? Usage, MeterCounts GuessedInput, long ProducedBytes,
        DateTimeOffset StartedAt);

    async Task Look(DateTimeOffset now, CancellationToken ct)
    {
        // A pause of our own looks like a silence of everybody else's.
        if (now - lastLook > Silence) seen.Clear();
        lastLook = now;

        var open = await Find(now, ct);
        var found = open.ToDictionary(call => call.Hold);
        foreach (var gone in seen.Keys.Where(hold => !found.ContainsKey(hold)).ToArray()) seen.Remove(gone);
        foreach (var call in open)
        {
            if (!seen.TryGetValue(call.Hold, out var last) || last.Beat != call.Beat) seen[call.Hold] = (call.Beat, now);
            else if (now - last.Since >= Silence) await Settle(call, now);
        }

        await ForgetSettled(ct);
    }

    async Task Settle(Open call, DateTimeOffset now)
    {
        var progress = call.Progress;
        var settlement = Settling.Decide(new(
            Ending.ServerLost, progress?.Usage, UsageIsWhole: false, progress?.ProducedBytes ?? 0, progress?.GuessedInput ?? new()));
        var startedAt = progress?.StartedAt ?? call.PlacedAt;
        var card = catalog.Rates.Model(call.Model);
        // Of a model that has left the catalog since nobody can say what it costs.
        var bill = card is null
            ? new(Credits.Zero, null, null, ProviderCost.Zero)
            : Billing.Of(new(catalog.Rates, card, startedAt, progress?.OwnKey ?? false, AtMost(call)), settlement, progress?.ServiceTier);
        if (call.Uncharged && bill.Quote is null) bill = bill with { Amount = Credits.Zero };
        await ledger.Settle(
            new(call.Hold, call.Key, progress?.Wire ?? Wire.ChatCompletions, call.Model, startedAt)
            {
                Stream = progress?.Stream ?? false,
                OwnKey = progress?.OwnKey ?? false,
                Ending = Ending.ServerLost,
                Estimated = settlement is Settlement.Estimate,
                Held = call.Held,
                Used = bill.Used,
                ServiceTier = progress?.ServiceTier,
                Took = now - startedAt,
            },
            bill);
    }

    // Also what a server had written down and settled, and could not take back any more.
    Task<int> ForgetSettled(CancellationToken ct) => db.Run($"""
        delete from running_call r where not exists (
          select from hold h where h.bucket = r.bucket and h.wallet_id = r.wallet_id and h.number = r.number and h.state = 1)
        """, ct);

    // Nothing is held while charging is off, and what would have been is written nowhere.
    static Credits AtMost(Open call) => call.Uncharged ? Credits.Max : call.Held;

    Task<List<Open>> Find(DateTimeOffset now, CancellationToken ct) => db.All($"""
        select h.wallet_id, h.number, h.amount, h.budget, h.subject, h.expires_at, r.beat, r.wire, r.stream, r.own_key, r.service_tier,
          r.usage, r.guessed_input, r.produced_bytes, r.started_at, h.uncharged
        from hold h
        left join running_call r on r.bucket = h.bucket and r.wallet_id = h.wallet_id and r.number = h.number
        where h.state = 1 and h.budget is not null and h.subject like 'model:%' and h.expires_at <= {now + patience.Hold - Youth}
        order by h.expires_at, h.bucket, h.wallet_id, h.number limit {Most}
        """, row => new Open(
            new(new(row.GetGuid(0)), row.GetInt64(1)),
            row.GetCredits(2),
            row.GetBoolean(15),
            row.GetId<VirtualKey>(3),
            row.GetString(4)["model:".Length..],
            row.GetInstant(5) - patience.Hold,
            row.IsDBNull(6) ? null : ReadProgress(row)), ct);

    static Progress ReadProgress(NpgsqlDataReader row) => new(
        row.GetInt64(6),
        (Wire)row.GetInt16(7),
        row.GetBoolean(8),
        row.GetBoolean(9),
        row.Text(10),
        CallRows.Used(row.Text(11)),
        CallRows.Used(row.GetString(12))!,
        row.GetInt64(13),
        row.GetInstant(14));
}
