using System.ComponentModel;
using System.Diagnostics;
using Npgsql;
using Purser.Server.Platform;

namespace Purser.Server;

/// <summary>Opens psql on the database, so that nobody has to look up the socket and the password.</summary>
static class Psql
{
    public static async Task<int> Run(Settings settings, string[] arguments, CancellationToken ct)
    {
        await using var database = await Database.Open(settings, Commands.Say, ct);
        var target = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        var start = new ProcessStartInfo("psql", arguments);
        start.Environment["PGHOST"] = target.Host;
        start.Environment["PGPORT"] = $"{target.Port}";
        start.Environment["PGUSER"] = target.Username;
        start.Environment["PGPASSWORD"] = target.Password;
        start.Environment["PGDATABASE"] = target.Database;
        try
        {
            using var psql = Process.Start(start)!;
            // Ctrl-C belongs to psql, which cancels its query; it ends when its user says so.
            await psql.WaitForExitAsync(CancellationToken.None);
            return psql.ExitCode;
        }
        catch (Win32Exception)
        {
            throw new StartFailure(
                "psql was not found. Install PostgreSQL's client (Debian, Ubuntu: postgresql-client).");
        }
    }
}
