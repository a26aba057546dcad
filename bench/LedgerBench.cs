using System.Globalization;
using Npgsql;
using Purser.Server.Ledger;

namespace Purser.Bench;

/// <summary>
/// The ledger against what one would write first, on the same durable PostgreSQL, one after the other. Ratios within one
/// run are what counts: the machine is not ours alone. Whatever was written is verified before its row is printed.
/// </summary>
sealed class LedgerBench(Cluster cluster, TimeSpan duration, int mostWallets)
{
    const int NaiveConnections = 64;
    const int Callers = 256;
    const int Connections = 64;
    const int Wallets = 10_000;
    const double HotShare = 0.2;

    public async Task Run()
    {
        var (naive, naivePairs) = await MeasureNaive();
        await cluster.Drop("naive");
        var engine = await MeasureEngine(naive, naivePairs);
        await cluster.Drop("engine");
        await MeasureHttp(naive);
        await cluster.Drop("http");
        await MeasureGrowth(naive, engine);
    }

    async Task<(Measured Charges, Measured Pairs)> MeasureNaive()
    {
        await using var naive = new Naive(await cluster.Create("naive"), Wallets);
        await naive.Prepare();
        await cluster.Checkpoint();
        var charges = await Measured.Run("naive", NaiveConnections, duration, naive.Charges);
        Report.Row(charges, charges, ("verified", Json(await naive.Holds())));
        await cluster.Checkpoint();
        var pairs = await Measured.Run("naive pairs", NaiveConnections, duration, naive.Pairs);
        Report.Row(pairs, charges, ("verified", Json(await naive.Holds())));
        return (charges, pairs);
    }

    async Task<Measured> MeasureEngine(Measured naive, Measured naivePairs)
    {
        await using var engine = await Engine.Start(await cluster.Create("engine"), Wallets);
        var uniform = await Measured.Run("engine", Callers, duration, () => engine.Charges(Wallets));
        Report.Row(uniform, naive, ("verified", Json(await engine.Verified())));
        await cluster.Checkpoint();
        var hot = await Measured.Run("hot", Callers, duration, () => engine.Charges(Wallets, HotShare));
        Report.Row(hot, naive, ("ratio_to_engine", Ratio(hot, uniform)), ("verified", Json(await engine.Verified())));
        await cluster.Checkpoint();
        var pairs = await Measured.Run("pairs", Callers, duration, () => engine.Pairs(Wallets, keyed: true));
        Report.Row(pairs, naive, ("ratio_to_naive_pairs", Ratio(pairs, naivePairs)), ("verified", Json(await engine.Verified())));
        await cluster.Checkpoint();
        // Nobody else is there: what a hold and its capture add to the time of an AI call.
        var alone = await Measured.Run("alone", 1, duration, () => engine.Pairs(Wallets, keyed: false));
        Report.Row(alone, naive, ("ratio_to_pairs", Ratio(alone, pairs)), ("verified", Json(await engine.Verified())));
        return uniform;
    }

    async Task MeasureHttp(Measured naive)
    {
        var database = await cluster.Create("http");
        await using (var engine = await Engine.Start(database, Wallets))
        {
            // The wallets are filled in this process; the charges come over HTTP.
        }

        await using var server = await ServerUnderLoad.Start(database);
        var http = await server.Charge(Connections, Wallets, duration);
        await using var source = NpgsqlDataSource.Create(database);
        var verification = await new Verification(source).Run(CancellationToken.None);
        Report.Row(
            http,
            naive,
            ("server_memory_mb", server.PeakMemoryMb.ToString(CultureInfo.InvariantCulture)),
            ("verified", Json(verification.Ok)));
    }

    async Task MeasureGrowth(Measured naive, Measured engine)
    {
        Measured? smallest = null;
        for (var wallets = 10_000; wallets <= mostWallets; wallets *= 10)
        {
            var name = $"growth_{wallets}";
            await using (var grown = await Engine.Start(await cluster.Create(name), wallets))
            {
                var size = wallets;
                var row = await Measured.Run($"growth {wallets}", Callers, duration, () => grown.Charges(size));
                smallest ??= row;
                Report.Row(
                    row,
                    naive,
                    ("ratio_to_smallest", Ratio(row, smallest)),
                    ("ratio_to_engine", Ratio(row, engine)),
                    ("verified", Json(await grown.Verified())));
            }

            await cluster.Drop(name);
        }
    }

    static string Ratio(Measured row, Measured to) => (row.PerSecond / to.PerSecond).ToString("0.00", CultureInfo.InvariantCulture);

    static string Json(bool value) => value ? "true" : "false";
}
