using Purser.Bench;
using Purser.Server.Platform;

const int MostWallets = 1_000_000;

try
{
    switch (args)
    {
        case ["http-load", .. var rest]:
            await HttpLoad.Run(rest);
            return 0;
        case ["call-load", .. var rest]:
            CallLoad.Run(rest);
            return 0;
        case ["ledger"]:
            await RunLedger(TimeSpan.FromSeconds(10), MostWallets);
            return 0;
        case ["ledger", "--short"]:
            await RunLedger(TimeSpan.FromSeconds(2), mostWallets: 10_000);
            return 0;
        case ["webhooks"]:
            await RunWebhooks(payments: 4_000);
            return 0;
        case ["webhooks", "--short"]:
            await RunWebhooks(payments: 600);
            return 0;
        case ["entitlements"]:
            await RunEntitlements(TimeSpan.FromSeconds(10));
            return 0;
        case ["entitlements", "--short"]:
            await RunEntitlements(TimeSpan.FromSeconds(2));
            return 0;
        case ["gateway"]:
            await RunGateway(TimeSpan.FromSeconds(10), calls: 100_000, streams: 1_000);
            return 0;
        case ["gateway", "--short"]:
            await RunGateway(TimeSpan.FromSeconds(3), calls: 5_000, streams: 100);
            return 0;
        case ["calls"]:
            await RunCalls(rounds: 1_000);
            return 0;
        case ["calls", "--short"]:
            await RunCalls(rounds: 20);
            return 0;
        default:
            throw new StartFailure("Say which benchmark: ./purser bench ledger, webhooks, entitlements, gateway or calls (add --short for a quick look).");
    }
}
catch (StartFailure fault)
{
    foreach (var line in fault.Lines) Console.Error.WriteLine($"purser: {line}");
    return 1;
}

static async Task RunWebhooks(int payments)
{
    await using var cluster = await Cluster.Start();
    await new WebhookBench(cluster, payments).Run();
}

static async Task RunEntitlements(TimeSpan duration)
{
    await using var cluster = await Cluster.Start();
    await new EntitlementsBench(cluster, duration).Run();
}

static async Task RunGateway(TimeSpan duration, int calls, int streams)
{
    await using var cluster = await Cluster.Start();
    await new GatewayBench(cluster, duration, calls, streams).Run();
}

static async Task RunLedger(TimeSpan duration, int mostWallets)
{
    await using var cluster = await Cluster.Start();
    await new LedgerBench(cluster, duration, mostWallets).Run();
}

static async Task RunCalls(int rounds)
{
    await using var cluster = await Cluster.Start();
    await new CallsBench(cluster, rounds).Run();
}
