using Npgsql;
using Purser.Server.Catalog;
using Purser.Server.Insight;
using Purser.Server.Platform;

namespace Purser.Server;

/// <summary>
/// What ./purser can be told to do. A fault is one clear line for each thing to put right, and exit code 1.
/// </summary>
static class Commands
{
    const string Usage = """
        Usage: ./purser COMMAND

          up                       start PostgreSQL, the sandbox and the server; Ctrl-C stops all of it
          server                   start the server alone, against DATABASE_URL (or PURSER_DATA)
                                   both take --edition NAME, for a product's own paths
          smoke-test --edition NAME  try that product's paths on a running server; --users N --seconds N adds load
          migrate                  bring the database to this version
          verify                   recompute the ledger and what is derived from it; exit 0 only if nothing differs
          catalog check FILE       check a catalog, and say every fault in it
          rates import FILE        compare LiteLLM's prices with the rate card; --apply writes a new one
          stripe setup [URL]       make the catalog's products and prices at Stripe, and the webhook endpoint of URL
          stripe check [URL]       say every difference between the catalog and Stripe
          stripe reconcile         compare orders, subscriptions, invoices and refunds with Stripe, and repair
          switch [NAME [VALUE]]    show what can be changed while servers run, or change it
          psql [ARGUMENT…]         open the database
          bench NAME               run a benchmark
          test [ARGUMENT…]         run all tests; arguments are the test platform's, such as --filter-class NAME
          help                     show this

        Settings are environment variables, described in docs/configuration.md. The first ones to know:
          PURSER_PORT, PURSER_DATA, PURSER_CATALOG, PURSER_ADMIN_KEY, DATABASE_URL
        """;

    public static async Task<int> Run(string[] args)
    {
        using var interrupt = new Interrupt();
        try
        {
            return await Dispatch(args, interrupt.Token);
        }
        catch (StartFailure fault)
        {
            foreach (var line in fault.Lines) Say(line);
            return 1;
        }
        catch (NpgsqlException fault)
        {
            Say($"PostgreSQL failed: {fault.Message}");
            return 1;
        }
        catch (OperationCanceledException) when (interrupt.Token.IsCancellationRequested)
        {
            return 130;
        }
    }

    static async Task<int> Dispatch(string[] args, CancellationToken ct)
    {
        switch (args)
        {
            case ["help" or "--help" or "-h", ..]:
                Console.WriteLine(Usage);
                return 0;
            case ["up"]: return await Up.Run(Settings.FromEnvironment(Purpose.Up), ct);
            case ["up", "--edition", var name]: return await Up.Run(Settings.FromEnvironment(Purpose.Up, name), ct);
            case ["server"]: return await Serve(Settings.FromEnvironment(Purpose.Server), ct);
            case ["server", "--edition", var name]: return await Serve(Settings.FromEnvironment(Purpose.Server, name), ct);
            case ["smoke-test", .. var rest]: return await SmokeTest.Run(rest, ct);
            case ["migrate"]: return await Migrate(Settings.FromEnvironment(Purpose.Tool), ct);
            case ["verify"]: return await Verify(Settings.FromEnvironment(Purpose.Tool), ct);
            case ["catalog", "check", var file]: return CatalogCommands.Check(file, Console.Out);
            case ["rates", "import", var file]: return Import(file, apply: false);
            case ["rates", "import", var file, "--apply"]: return Import(file, apply: true);
            case ["rates", "import", "--apply", var file]: return Import(file, apply: true);
            case ["stripe", "setup"]: return await StripeCommands.Setup(Settings.FromEnvironment(Purpose.Tool), null, ct);
            case ["stripe", "setup", var url]: return await StripeCommands.Setup(Settings.FromEnvironment(Purpose.Tool), url, ct);
            case ["stripe", "check"]: return await StripeCommands.Check(Settings.FromEnvironment(Purpose.Tool), null, ct);
            case ["stripe", "check", var url]: return await StripeCommands.Check(Settings.FromEnvironment(Purpose.Tool), url, ct);
            case ["stripe", "reconcile"]: return await StripeCommands.Reconcile(Settings.FromEnvironment(Purpose.Tool), ct);
            case ["switch", .. var rest] when rest.Length <= 2: return await SwitchCommands.Run(Settings.FromEnvironment(Purpose.Tool), rest, ct);
            case ["psql", .. var rest]: return await Psql.Run(Settings.FromEnvironment(Purpose.Tool), rest, ct);
            case ["catalog", ..]: throw new StartFailure("Say which file to check: ./purser catalog check FILE.");
            case ["rates", ..]: throw new StartFailure("Say which list to compare the prices with: ./purser rates import FILE [--apply].");
            case ["stripe", ..]: throw new StartFailure("Say what to do about Stripe: ./purser stripe setup, stripe check or stripe reconcile.");
            case []: throw new StartFailure("Say what to do: ./purser help lists it.");
            default: throw new StartFailure($"{string.Join(' ', args)} is not a command: ./purser help lists them.");
        }
    }

    static async Task<int> Serve(Settings settings, CancellationToken ct)
    {
        RunningServer.RequireFreePort(settings.Host, settings.Port, "PURSER_PORT");
        await using var database = await Database.Open(settings, Say, ct);
        settings = settings.WithAdminKey();
        if (settings.Database is null) settings = settings.WithEncryptionKey();
        await using var server = await RunningServer.Start(settings, database.ConnectionString, ct);
        Console.WriteLine($"Purser is ready: {server.Address}");
        await server.Ended(ct);
        return 0;
    }

    static async Task<int> Migrate(Settings settings, CancellationToken ct)
    {
        await using var database = await Database.Open(settings, Say, ct);
        await using var source = NpgsqlDataSource.Create(database.ConnectionString);
        await Database.Reach(() => Migrator.Migrate(source, ct));
        Console.WriteLine("The database is up to date.");
        return 0;
    }

    static async Task<int> Verify(Settings settings, CancellationToken ct)
    {
        await using var database = await Database.Open(settings, Say, ct);
        // The whole history is gone through, and takes its time.
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database.ConnectionString) { CommandTimeout = 0 });
        await Database.Reach(() => Migrator.Migrate(source, ct));
        return await JournalProof.Verify(source, Console.Out, ct);
    }

    static int Import(string file, bool apply) =>
        RatesCommands.Import(file, Settings.FromEnvironment(Purpose.Tool).CatalogFile, apply, Console.Out);

    /// <summary>A line for the operator, on standard error: standard output belongs to what was asked for.</summary>
    public static void Say(string line) => Console.Error.WriteLine($"purser: {line}");
}
