using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using Purser.Server.Ledger;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Ledger;

/// <summary>A server whose database holds some hundred thousand rows, spread as they would be.</summary>
public sealed class FilledApp : IAsyncLifetime
{
    public const string Hot = "hot";

    internal App App { get; } = new();

    public async ValueTask InitializeAsync()
    {
        await App.InitializeAsync();
        await App.Purser.Customers.PutAsync(Hot, new(), TestContext.Current.CancellationToken);
        await Tables.Run(App.ConnectionString, """
            set synchronous_commit = off;
            insert into customer (id, wallet_id, created_at, updated_at)
            select 'c' || i, md5(i::text)::uuid, now(), now() from generate_series(1, 20000) i;
            insert into wallet (bucket, id, balance, seq, holds)
            select ('x' || left(replace(wallet_id::text, '-', ''), 8))::bit(32)::bigint >> 22, wallet_id, 1000, 5, 2 from customer;
            insert into projection (bucket, wallet_id, seq) select bucket, id, 5 from wallet;
            insert into entry (bucket, wallet_id, seq, kind, amount, balance, owed, at, hash)
            select bucket, id, s, 2, 0, 1000, 0, now(), sha256('x') from wallet, generate_series(1, 5) s;
            insert into entry (bucket, wallet_id, seq, kind, amount, balance, owed, at, hash)
            select bucket, id, s, 2, 0, 1000, 0, now(), sha256('x') from wallet, generate_series(6, 50000) s
            where id = (select wallet_id from customer where id = 'hot');
            insert into command (bucket, key, request, amount, balance, available, rest, missing, at)
            select bucket, md5(id::text || s)::uuid, id, 0, 0, 0, 0, 0, now() from wallet, generate_series(1, 5) s;
            insert into budget (bucket, wallet_id, id, period, amount, period_start)
            select bucket, id, md5(id::text || s)::uuid, 3, 100, '2026-01-01' from wallet, generate_series(1, 3) s;
            insert into hold (bucket, wallet_id, number, amount, state, expires_at, budget, budget_period)
            select bucket, id, s, 0, 1 + s, now(), md5(id::text || s)::uuid, '2026-01-01' from wallet, generate_series(1, 2) s;
            insert into lot (bucket, wallet_id, seq, source, priority, amount, remaining)
            select bucket, id, s, 1, 100, 1000, 500 * (s - 1) from wallet, generate_series(1, 3) s;
            analyze
            """);
    }

    public ValueTask DisposeAsync() => App.DisposeAsync();
}

/// <summary>How PostgreSQL goes about our statements: by key, whatever the tables grow to.</summary>
public sealed partial class PlanTests(FilledApp filled) : IClassFixture<FilledApp>
{
    // These are of one bucket or one wallet, and are run beside the lanes.
    static readonly string[] BesideTheLanes = ["ReadHeads", "FindOldLots", "FindLagging"];

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static readonly IReadOnlyDictionary<string, string> Statements =
        new[] { typeof(BatchRows), typeof(HoldRows), typeof(BudgetRows), typeof(LotRows) }
        .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public))
        .Where(field => field.IsLiteral && field.FieldType == typeof(string))
        .ToDictionary(field => field.Name, field => (string)field.GetRawConstantValue()!)
        .Where(one => StatementStart().IsMatch(one.Value)).ToDictionary();

    public static TheoryData<string> OfLanes => [.. Statements.Keys.Except(BesideTheLanes)];

    public static TheoryData<string> OfOthers => [.. BesideTheLanes];

    [Fact]
    public void All_statements_are_looked_at() => Assert.InRange(Statements.Count, 15, 40);

    [Theory]
    [MemberData(nameof(OfLanes))]
    public async Task A_lane_walks_primary_keys_and_never_a_whole_table(string name)
    {
        await using var source = new LaneSource(filled.App.ConnectionString);
        await using var connection = await source.Open(Ct);

        var nodes = await Explain(connection, Statements[name]);

        Assert.DoesNotContain(nodes, node => node.Type == "Seq Scan");
        Assert.All(nodes.Where(node => node.Index is not null), node =>
            Assert.True(
                node.Index!.EndsWith("_pkey", StringComparison.Ordinal) || node.Index == "customer_wallet_id_key"
                // Of all holds of a wallet those that are overdue are a handful, and so are those of all wallets.
                || (name, node.Index) == (nameof(HoldRows.FindOverdue), "hold_due"), node.Index));
    }

    [Theory]
    [InlineData(nameof(BatchRows.LockWallets))]
    [InlineData("LockHeads")]
    public async Task Rows_are_locked_in_order(string name)
    {
        await using var source = new LaneSource(filled.App.ConnectionString);
        await using var connection = await source.Open(Ct);

        var nodes = await Explain(connection, Statements[name]);

        var below = nodes.SkipWhile(node => node.Type != "LockRows").Skip(1).First();
        Assert.Equal("Sort", below.Type);
    }

    [Theory]
    [MemberData(nameof(OfOthers))]
    public async Task What_runs_beside_the_lanes_walks_keys_too(string name)
    {
        await using var connection = await Open();

        var nodes = await Explain(connection, Statements[name]);

        Assert.DoesNotContain(nodes, node => node.Type == "Seq Scan");
    }

    [Theory]
    [InlineData($"/v1/customers/{FilledApp.Hot}/entries?limit=500", "entry", "entry_pkey")]
    [InlineData("/v1/customers?limit=500", "customer", "customer_pkey")]
    public async Task A_page_is_a_range_of_a_key_and_nothing_is_sorted(string path, string table, string index)
    {
        await using var connection = await Open();
        var page = Task.FromResult<Answered>(null!);
        var statement = await StatementAt(connection, table, "limit", () => page = filled.App.Client.Read(path));

        var nodes = await Explain(connection, statement);

        var (limit, range) = (nodes[0], Assert.Single(nodes.Skip(1)));
        Assert.Equal("Limit", limit.Type);
        Assert.Equal((index, true), (range.Index, range.Type is "Index Scan" or "Index Only Scan"));
        Assert.NotNull(range.Condition);
        Assert.Equal(200, (await page).Status);
    }

    [Fact]
    public async Task A_page_deep_in_the_ledger_is_read_like_the_first()
    {
        var first = await filled.App.Client.Read($"/v1/customers/{FilledApp.Hot}/entries?limit=1");
        var newest = first.Json.GetProperty("data")[0].GetProperty("id").GetString()!;
        var deep = newest.Replace("_50000", "_100", StringComparison.Ordinal);

        var page = await filled.App.Client.Read($"/v1/customers/{FilledApp.Hot}/entries?limit=3&after={deep}");

        Assert.Equal([99, 98, 97], page.Json.GetProperty("data").EnumerateArray().Select(entry => entry.GetProperty("seq").GetInt32()));
    }

    [Theory]
    [InlineData("hold", "hold_due")]
    [InlineData("lot", "lot_due")]
    public async Task What_is_due_is_found_without_looking_at_what_is_not(string table, string index)
    {
        await using var connection = await Open();
        var statement = await StatementAt(
            connection, table, "expires_at <=", () => filled.App.Time.Advance(TimeSpan.FromSeconds(1)));

        var nodes = await Explain(connection, statement);

        Assert.DoesNotContain(nodes, node => node.Type is "Seq Scan" or "Sort");
        Assert.Contains(nodes, node => node.Index == index);
    }

    async Task<NpgsqlConnection> Open()
    {
        var connection = new NpgsqlConnection(filled.App.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(Ct);
        return connection;
    }

    // The server's own words: what stands before a locked table shows in what it stands there.
    async Task<string> StatementAt(NpgsqlConnection connection, string table, string words, Action ask)
    {
        await Run(connection, $"begin; lock table {table}");
        ask();
        var found = new List<string>();
        await Eventually.Holds(async () =>
        {
            found = await Tables.Read<string>(filled.App.ConnectionString, $"""
                select query from pg_stat_activity
                where datname = current_database() and application_name = 'purser' and wait_event_type = 'Lock'
                  and query like '%from {table}%{words}%'
                """);
            return found.Count > 0;
        });
        await Run(connection, "rollback");
        return found[0];
    }

    static async Task<List<Node>> Explain(NpgsqlConnection connection, string sql)
    {
        var holes = Holes().Matches(sql).Select(match => match.Value).Distinct().Count();
        // A plan that serves for all values: the values do not matter.
        await Run(connection, "set plan_cache_mode = force_generic_plan");
        await Run(connection, $"deallocate all; prepare looked_at as {sql}");
        var nulls = string.Join(", ", Enumerable.Repeat("null", holes));
        await using var explain = new NpgsqlCommand($"explain (format json) execute looked_at ({nulls})", connection);
        var plan = JsonElement.Parse((string)(await explain.ExecuteScalarAsync(Ct))!);
        return [.. Nodes(plan[0].GetProperty("Plan"))];
    }

    static async Task Run(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Ct);
    }

    // From the top, each before those below it.
    static IEnumerable<Node> Nodes(JsonElement plan)
    {
        yield return new(Text(plan, "Node Type")!, Text(plan, "Index Name"), Text(plan, "Index Cond"));
        if (!plan.TryGetProperty("Plans", out var below)) yield break;
        foreach (var node in below.EnumerateArray().SelectMany(Nodes)) yield return node;
    }

    static string? Text(JsonElement plan, string name) => plan.TryGetProperty(name, out var text) ? text.GetString() : null;

    [GeneratedRegex(@"\$\d+")]
    private static partial Regex Holes();

    [GeneratedRegex("^(select|insert|update|with) ")]
    private static partial Regex StatementStart();

    sealed record Node(string Type, string? Index, string? Condition);
}
