using Npgsql;

namespace Purser.Server.Platform;

sealed record SwitchState(string Name, string Value, string Takes, DateTimeOffset? ChangedAt, string? ChangedBy);

/// <summary>
/// Keeps the switches of this server as they stand in the database. An environment that switches something off always counts at a
/// start: that is how one rolls back. One that switches something on counts where it says something else than at the last
/// start: a server that comes back by itself with what it always had must not undo what somebody switched off.
/// </summary>
sealed class SwitchBoard(IEnumerable<Switch> switches, Settings settings, Db db, TimeProvider time, ILogger<SwitchBoard> log)
    : BackgroundService
{
    const string ByEnvironment = "environment";

    static readonly TimeSpan Every = TimeSpan.FromMilliseconds(500);

    readonly Dictionary<string, Switch> byName = switches.ToDictionary(one => one.Name);
    // What is read may be older than what was set here meanwhile.
    readonly Dictionary<string, long> versions = [];
    readonly Lock gate = new();

    sealed record Row(string Name, string Value, long Version, DateTimeOffset ChangedAt, string ChangedBy)
    {
        /// <summary>What the environment said at the last start that it said anything at.</summary>
        public string? StartedWith { get; init; }
    }

    public Switch? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>Refuses to start with values that make no sense, before anything is changed.</summary>
    public void RequireSense()
    {
        var faults = settings.Switches.Where(set => Find(set.Key) is { } one && !one.Accepts(set.Value))
            .Select(set => $"{set.Key} must be {Find(set.Key)!.Takes}.").ToList();
        if (faults.Count > 0) throw new StartFailure(faults);
    }

    /// <summary>Before the first request is taken. Commands that only work on the database do not come here: what their shell says is not meant.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TakeOver(cancellationToken);
        await Follow(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <summary>As they are on this server now, by name.</summary>
    public async Task<List<SwitchState>> States(CancellationToken ct)
    {
        var rows = (await Rows(ct)).ToDictionary(row => row.Name);
        return
        [
            .. from one in byName.Values
               orderby one.Name
               let row = rows.GetValueOrDefault(one.Name)
               select new SwitchState(one.Name, row?.Value ?? one.Text, one.Takes, row?.ChangedAt, row?.ChangedBy),
        ];
    }

    /// <summary>Changes a switch to a value that it accepts: here at once, on the other servers within a second.</summary>
    public async Task Change(Switch one, string value, string by, CancellationToken ct)
    {
        var row = await db.One($"""
            insert into switch (name, value, changed_at, changed_by) values ({one.Name}, {value}, {time.Now()}, {by})
            on conflict (name) do update
            set value = excluded.value, version = switch.version + 1, changed_at = excluded.changed_at,
              changed_by = excluded.changed_by
            returning name, value, version, changed_at, changed_by, started_with
            """, Read, ct);
        Apply(row!);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await Follow(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                // They stay as they were; the log of whoever cannot do without the database says why.
            }
        }
    }

    async Task TakeOver(CancellationToken ct)
    {
        foreach (var name in settings.Switches.Keys.Where(name => Find(name) is null)) log.NoSwitch(name);
        var said = settings.Switches.Where(set => Find(set.Key) is not null).OrderBy(set => set.Key, StringComparer.Ordinal).ToList();
        if (said.Count == 0) return;

        await db.Transact(async tx =>
        {
            // Servers that start at once decide one after the other.
            await tx.Run($"lock table switch in share row exclusive mode", ct);
            var rows = (await tx.All($"select name, value, version, changed_at, changed_by, started_with from switch", Read, ct))
                .ToDictionary(row => row.Name);
            foreach (var (name, value) in said)
            {
                var before = rows.GetValueOrDefault(name);
                if (before is null || before.StartedWith != value || byName[name].IsLess(value, before.Value)) await Start(tx, name, value, ct);
                else if (before.Value != value) log.Overruled(name, before.Value, before.ChangedBy, before.ChangedAt, value);
            }

            return said.Count;
        }, ct);
    }

    Task<int> Start(Tx tx, string name, string value, CancellationToken ct) => tx.Run($"""
        insert into switch (name, value, started_with, changed_at, changed_by)
        values ({name}, {value}, {value}, {time.Now()}, {ByEnvironment})
        on conflict (name) do update
        set value = excluded.value, started_with = excluded.started_with, version = switch.version + 1,
          changed_at = excluded.changed_at, changed_by = excluded.changed_by
        """, ct);

    async Task Follow(CancellationToken ct)
    {
        foreach (var row in await Rows(ct)) Apply(row);
    }

    void Apply(Row row)
    {
        // A newer server may know switches and values that this one does not.
        if (Find(row.Name) is not { } one || !one.Accepts(row.Value)) return;

        lock (gate)
        {
            if (row.Version <= versions.GetValueOrDefault(row.Name)) return;

            versions[row.Name] = row.Version;
            if (one.Text == row.Value) return;

            log.Changed(one.Name, one.Text, row.Value, row.ChangedBy);
            one.Set(row.Value);
        }
    }

    Task<List<Row>> Rows(CancellationToken ct) => db.All(
        $"select name, value, version, changed_at, changed_by, started_with from switch", Read, ct);

    static Row Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetInstant(3), row.GetString(4))
    {
        StartedWith = row.Text(5),
    };
}

static partial class Log
{
    [LoggerMessage(921, LogLevel.Information, "{Switch} went from {Before} to {Value}, set by {By}")]
    public static partial void Changed(this ILogger log, string @switch, string before, string value, string by);

    [LoggerMessage(922, LogLevel.Warning, "{Variable} is set and is no switch, so it changes nothing: ./purser switch lists them")]
    public static partial void NoSwitch(this ILogger log, string variable);

    [LoggerMessage(923, LogLevel.Warning, "{Switch} is {Value}, set by {By} at {At:u}, and stays so, though the environment says {Environment}, "
        + "as at the last start: ./purser switch {Switch} {Environment} if it is meant")]
    public static partial void Overruled(this ILogger log, string @switch, string value, string by, DateTimeOffset at, string environment);
}
