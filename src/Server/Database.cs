using Npgsql;
using Purser.Server.Platform;

namespace Purser.Server;

/// <summary>The database that a command works on: the one DATABASE_URL names, or the embedded one.</summary>
sealed class Database(string connectionString, EmbeddedPostgres? embedded) : IAsyncDisposable
{
    public string ConnectionString => connectionString;

    public static async Task<Database> Open(Settings settings, Action<string> say, CancellationToken ct)
    {
        if (settings.Database is { } given) return new(given, null);
        var embedded = await EmbeddedPostgres.Borrow(Embedding.Of(settings, say), ct);
        return new(embedded.ConnectionString, embedded);
    }

    /// <summary>Turns a database that cannot be reached or refuses us into a line that says so.</summary>
    public static async Task Reach(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (PostgresException refused) when (refused.SqlState is PostgresErrorCodes.InvalidPassword
            or PostgresErrorCodes.InvalidAuthorizationSpecification or PostgresErrorCodes.InvalidCatalogName
            or PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.TooManyConnections)
        {
            throw new StartFailure($"PostgreSQL refuses: {refused.MessageText}. Check DATABASE_URL.");
        }
        catch (NpgsqlException fault) when (fault is not PostgresException)
        {
            throw new StartFailure($"PostgreSQL cannot be reached: {fault.Message.TrimEnd('.')}. "
                + "Start it, or check DATABASE_URL.");
        }
    }

    public ValueTask DisposeAsync() => embedded?.DisposeAsync() ?? ValueTask.CompletedTask;
}
