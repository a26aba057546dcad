using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Npgsql;
using Purser.Core;
using Purser.Core.Gateway;
using Purser.Core.Ledger;

namespace Purser.Bench;

/// <summary>
/// Ten million calls of a month in the database, one in ten of them of one customer, and what a product asks about them over
/// HTTP: each question by itself, after a few to warm up.
/// </summary>
sealed class CallsBench(Cluster cluster, int rounds)
{
    const int Customers = 9_000;
    const int CallsOfBig = 1_000;
    const int KeysOfBig = 100;
    const int WarmUps = 5;
    const int Questions = 100;
    const string Big = "big";
    const string Small = "customer_17";

    // In the order in which they would have been written: the calls of one customer lie far apart. Every call has its entry.
    static readonly string[] Load =
    [
        """
        create view made as
        select p.bucket, p.wallet_id, (r - 1)::bigint * p.each + i as number, md5(p.id || ':' || ((r - 1) * p.each + i) % p.keys)::uuid as key,
          'openai/model-' || (r + i) % 8 as model, 1000 + (r * 7 + i) % 900 as prompt, 100 + i % 300 as answer,
          now() - interval '30 days' * (1 - r / @rounds::float8) as at
        from generate_series(1, @rounds) r, payer p, generate_series(1, p.each) i
        """,
        """
        insert into call (bucket, wallet_id, number, key, wire, model, stream, own_key, ending, estimated, held, charged, shortfall, entry,
          usage, provider_status, provider_request, started_at, first_byte_ms, took_ms)
        select bucket, wallet_id, number, key, 1, model, true, false, 1, false, 2000000, prompt * 1000, 0, number + 1,
          '{"input_tokens":' || prompt || ',"output_tokens":' || answer || '}', 200, 'req_' || replace(key::text, '-', ''), at, 400, 2300
        from made
        """,
        """
        insert into entry (bucket, wallet_id, seq, kind, amount, balance, owed, at, hash, hold, quote)
        select bucket, wallet_id, number + 1, 2, -prompt * 1000, 1000000, 0, at, decode(md5(number::text) || md5(model), 'hex'), number,
          '{"catalog":1,"subject":"' || model || '","lines":[{"item":"input_tokens","quantity":' || prompt
            || ',"unit_price":0.0004,"amount":0.5},{"item":"output_tokens","quantity":' || answer || ',"unit_price":0.0016,"amount":0.7}]}'
        from made
        """,
        """
        insert into call_day (bucket, wallet_id, day, key, model, calls, prompt_tokens, cached_tokens, answer_tokens, charged)
        select bucket, wallet_id, (at at time zone 'utc')::date, key, model, count(*), sum(prompt), 0, sum(answer), sum(prompt * 1000)
        from made group by 1, 2, 3, 4, 5
        """,
        "vacuum analyze call, call_day, entry",
    ];

    public async Task Run()
    {
        var database = await cluster.Create("calls");
        await using (var server = await ServerUnderLoad.Start(database))
        {
            await Fill(database);
            await cluster.Checkpoint();
            await Measure(server, $"{await KeyOf(database, Big)}", $"{await KeyOf(database, Small)}");
        }

        await cluster.Drop("calls");
    }

    async Task Fill(string database)
    {
        await using var source = NpgsqlDataSource.Create($"{database};Command Timeout=0");
        string[] names = [Big, .. Enumerable.Range(1, Customers).Select(number => $"customer_{number}")];
        await using (var payers = source.CreateCommand("""
            create table payer as
            select unnest($1::text[]) as id, unnest($2::int[]) as bucket, unnest($3::uuid[]) as wallet_id, unnest($4::int[]) as each, unnest($5::int[]) as keys
            """))
        {
            var wallets = Array.ConvertAll(names, name => WalletId.Of(CustomerId.Parse(name, null)));
            payers.Parameters.Add(new() { Value = names });
            payers.Parameters.Add(new() { Value = Array.ConvertAll(wallets, wallet => wallet.Bucket) });
            payers.Parameters.Add(new() { Value = Array.ConvertAll(wallets, wallet => wallet.Value) });
            payers.Parameters.Add(new() { Value = Array.ConvertAll(names, name => name == Big ? CallsOfBig : 1) });
            payers.Parameters.Add(new() { Value = Array.ConvertAll(names, name => name == Big ? KeysOfBig : 2) });
            await payers.ExecuteNonQueryAsync();
        }

        foreach (var sql in Load)
        {
            await using var command = source.CreateCommand(sql.Replace("@rounds", rounds.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
            await command.ExecuteNonQueryAsync();
        }
    }

    static async Task Measure(ServerUnderLoad server, string keyOfBig, string keyOfSmall)
    {
        using var http = new HttpClient { BaseAddress = new(server.Address) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", ServerUnderLoad.AdminKey);
        foreach (var (customer, key) in ((string, string)[])[(Big, keyOfBig), (Small, keyOfSmall)])
        {
            var calls = $"/v1/customers/{customer}/calls";
            var newest = (await Read(http, calls)).GetProperty("data")[0].GetProperty("id").GetString()!;
            var (wallet, last) = CallId.Parse(newest, null);
            var middle = new CallId(wallet, last / 2);
            foreach (var path in (string[])
            [
                $"/v1/calls/{newest}", calls, $"{calls}?limit=500", $"{calls}?after={middle}", $"{calls}?key={key}", $"{calls}?key={key}&limit=500",
                .. ((string[])["", "model", "day", "key", "model,day", "model,day,key"]).Select(by => $"/v1/customers/{customer}/usage?group_by={by}"),
            ])
            {
                await Ask(http, path);
            }
        }
    }

    static async Task Ask(HttpClient http, string path)
    {
        for (var i = 0; i < WarmUps; i++) await Read(http, path);

        var latencies = new Latencies(1);
        for (var i = 0; i < Questions; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await http.GetByteArrayAsync(new Uri(path, UriKind.Relative));
            latencies.Add(0, Stopwatch.GetElapsedTime(started));
        }

        Report.Line(
            ("row", $"\"{path}\""),
            ("p50_ms", latencies.Percentile(0.50).ToString("0.00", CultureInfo.InvariantCulture)),
            ("p99_ms", latencies.Percentile(0.99).ToString("0.00", CultureInfo.InvariantCulture)));
    }

    static async Task<JsonElement> Read(HttpClient http, string path) => JsonElement.Parse(await http.GetStringAsync(new Uri(path, UriKind.Relative)));

    static async Task<string> KeyOf(string database, string customer)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand("select md5($1 || ':1')::uuid");
        command.Parameters.Add(new() { Value = customer });
        return new Id<Server.Gateway.VirtualKey>((Guid)(await command.ExecuteScalarAsync())!).ToString();
    }
}
