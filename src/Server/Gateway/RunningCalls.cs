using System.Collections.Concurrent;
using Npgsql;
using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Gateway;

/// <summary>
/// The calls that this server has under way. Those that take more than a moment are written down every second with how
/// far they are, so that somebody else can settle them if this server ends.
/// </summary>
sealed class RunningCalls(NpgsqlDataSource source, TimeProvider time, ILogger<RunningCalls> log) : BackgroundService
{
    static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    const string WriteDown = """
        insert into running_call as r (bucket, wallet_id, number, key, wire, model, stream, own_key, service_tier, usage, guessed_input,
          produced_bytes, started_at, beat)
        select unnest($1::int[]), unnest($2::uuid[]), unnest($3::bigint[]), unnest($4::uuid[]), unnest($5::smallint[]), unnest($6::text[]),
          unnest($7::boolean[]), unnest($8::boolean[]), unnest($9::text[]), unnest($10::text[]), unnest($11::text[]),
          unnest($12::bigint[]), unnest($13::timestamptz[]), 1
        on conflict (bucket, wallet_id, number) do update
        set beat = r.beat + 1, usage = excluded.usage, service_tier = excluded.service_tier, produced_bytes = excluded.produced_bytes
        """;

    const string Forget = """
        delete from running_call r
        using (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as wallet_id, unnest($3::bigint[]) as number) u
        where r.bucket = u.bucket and r.wallet_id = u.wallet_id and r.number = u.number
        """;

    readonly ConcurrentDictionary<HoldId, Call> running = new();
    readonly ConcurrentDictionary<HoldId, Call> left = new();
    // Those of which there is a row.
    readonly HashSet<HoldId> written = [];

    public int Count => running.Count;

    public void Add(Call call) => running[call.Hold] = call;

    /// <summary>
    /// A call that is over: forgotten when the ledger has decided on it, however long that takes. Where it cannot, what is known
    /// of the call is written down once more, and whoever finds its hold settles it by that.
    /// </summary>
    public async Task Leave(Call call)
    {
        if (!await call.Settled) left[call.Hold] = call;
        running.TryRemove(call.Hold, out _);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await Write(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                log.NotWrittenDown(running.Count, e.Message);
            }
        }
    }

    async Task Write(CancellationToken ct)
    {
        var leaving = left.Values.ToArray();
        var calls = running.Values.Where(call => call.Took >= Every).Union(leaving).OrderBy(call => call.Hold.Wallet.Value).ThenBy(call => call.Hold.Number).ToArray();
        var over = written.Where(hold => !running.ContainsKey(hold) && !left.ContainsKey(hold)).ToArray();
        if (calls.Length == 0 && over.Length == 0) return;

        await using var connection = await source.OpenConnectionAsync(ct);
        await using var batch = new NpgsqlBatch(connection);
        if (calls.Length > 0) AddProgress(batch, calls);
        if (over.Length > 0)
        {
            batch.Add(
                Forget,
                Array.ConvertAll(over, hold => hold.Wallet.Bucket),
                Array.ConvertAll(over, hold => hold.Wallet.Value),
                Array.ConvertAll(over, hold => hold.Number));
        }

        await batch.ExecuteNonQueryAsync(ct);
        written.UnionWith(calls.Select(call => call.Hold));
        written.ExceptWith(over);
        written.ExceptWith(leaving.Select(call => call.Hold));
        foreach (var call in leaving) left.TryRemove(call.Hold, out _);
    }

    static void AddProgress(NpgsqlBatch batch, Call[] calls) => batch.Add(
        WriteDown,
        Array.ConvertAll(calls, call => call.Hold.Wallet.Bucket),
        Array.ConvertAll(calls, call => call.Hold.Wallet.Value),
        Array.ConvertAll(calls, call => call.Hold.Number),
        Array.ConvertAll(calls, call => call.Key.Id.Value),
        Array.ConvertAll(calls, call => (short)call.Request.Wire),
        Array.ConvertAll(calls, call => call.Model),
        Array.ConvertAll(calls, call => call.Streams),
        Array.ConvertAll(calls, call => call.OwnKey is not null),
        Array.ConvertAll(calls, call => call.Answer.Usage?.ServiceTier),
        Array.ConvertAll(calls, call => CallRows.Text(call.Told)),
        Array.ConvertAll(calls, call => CallRows.Text(call.GuessedInput)!),
        Array.ConvertAll(calls, call => call.Answer.ProducedBytes),
        Array.ConvertAll(calls, call => call.StartedAt));
}

static partial class Log
{
    [LoggerMessage(3010, LogLevel.Warning, "{Count} calls under way could not be written down: {Why}")]
    public static partial void NotWrittenDown(this ILogger log, int count, string why);
}
