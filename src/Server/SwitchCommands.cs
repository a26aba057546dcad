using Npgsql;
using Purser.Server.Identity;
using Purser.Server.Platform;

namespace Purser.Server;

/// <summary>
/// ./purser switch: on the database itself, so that it works whatever state the servers are in, and with nothing but the
/// database: whoever has to stop something has no time for a catalog's faults, and means no upgrade.
/// </summary>
static class SwitchCommands
{
    const string Actor = "command line";

    public static async Task<int> Run(Settings settings, string[] arguments, CancellationToken ct)
    {
        await using var database = await Database.Open(settings, Commands.Say, ct);
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSlices(settings, database.ConnectionString);
        await using var parts = services.BuildServiceProvider();
        var board = parts.GetRequiredService<SwitchBoard>();
        try
        {
            await Database.Reach(async () =>
            {
                if (arguments is [var name, var value]) await Change(board, parts.GetRequiredService<AuditLog>(), name, value, ct);
                foreach (var state in await board.States(ct))
                    if (arguments.Length == 0 || state.Name == arguments[0]) Console.WriteLine($"{state.Name}={state.Value}{By(state)}");
            });
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            throw new StartFailure("The database is that of an earlier version, without switches: ./purser migrate brings it to this one.");
        }

        return 0;
    }

    static async Task Change(SwitchBoard board, AuditLog audit, string name, string value, CancellationToken ct)
    {
        var one = board.Find(name) ?? throw new StartFailure($"{name} is no switch: ./purser switch lists them.");
        if (!one.Accepts(value)) throw new StartFailure($"{name} takes {one.Takes}.");

        await audit.Note(Actor, "./purser switch", $"{name}: {value}", ct);
        await board.Change(one, value, Actor, ct);
    }

    static string By(SwitchState state) => state.ChangedBy is null ? "" : $"   # {state.ChangedBy}, {state.ChangedAt:u}";
}
