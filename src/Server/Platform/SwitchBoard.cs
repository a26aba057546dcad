using Npgsql;

namespace Purser.Server.Platform;

sealed record SwitchState(string Name, string Value, string Takes, DateTimeOffset? ChangedAt, string? ChangedBy);

/// <summary>
/// Keeps the switches of this server as they stand in the database. What the environment says counts when it is said: where a
/// server starts with another value than the last one did, that is a change like any other; where nothing has changed
/// there, what was changed since stays.
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

    sealed record Row(string Name, string Value, long Version, DateTimeOffset ChangedAt, string ChangedBy);

    public Switch? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>Before the first request is taken. Commands that only work on the database do not come here: what their shell says is not meant.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TakeOver(cancellationToken);
    /// <summary>Refuses to start with values that make no sense, before anything is changed.</summary>
    public void RequireSense()
    {
        var faults = settings.Switches.Where(set => Find(set.Key) is { } one && !one.Accepts(set.Value))
            .Select(set => $"{set.Key} must be {Find(set.Key)!.Takes}.").ToList();
        if (faults.Count > 0) throw new StartFailure(faults);
    }

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
            returning name, value, version, changed_at, changed_by
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
        var faults = new List<string>();
        foreach (var (name, value) in settings.Switches)
        {
            if (Find(name) is not { } one)
            {
                log.NoSwitch(name);
                continue;
            }

            if (!one.Accepts(value))
            {
                faults.Add($"{name} must be {one.Takes}.");
                continue;
            }

            await db.Run($"""
                insert into switch (name, value, started_with, changed_at, changed_by)
                values ({name}, {value}, {value}, {time.Now()}, {ByEnvironment})
                on conflict (name) do update
                set value = excluded.value, started_with = excluded.started_with, version = switch.version + 1,
                  changed_at = excluded.changed_at, changed_by = excluded.changed_by
                where switch.started_with is distinct from excluded.started_with
                """, ct);
        }

        if (faults.Count > 0) throw new StartFailure(faults);
    }

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
        $"select name, value, version, changed_at, changed_by from switch", Read, ct);

    static Row Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetInstant(3), row.GetString(4));
}

static partial class Log
{
    [LoggerMessage(921, LogLevel.Information, "{Switch} went from {Before} to {Value}, set by {By}")]
    public static partial void Changed(this ILogger log, string @switch, string before, string value, string by);

    [LoggerMessage(922, LogLevel.Warning, "{Variable} is set and is no switch, so it changes nothing: ./purser switch lists them")]
    public static partial void NoSwitch(this ILogger log, string variable);
}
