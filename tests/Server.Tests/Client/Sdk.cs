using Purser.Client;

namespace Purser.Server.Tests.Client;

/// <summary>An ordinary client of a scripted server, and ordinary answers.</summary>
static class Sdk
{
    public const string Key = "sk_ordinary";

    public static readonly TimeSpan Timeout = HastyTime.Patience;

    public static readonly TimeSpan TotalTimeout = TimeSpan.FromSeconds(500);

    public const string Charged = """{"id":"ch_1","amount":12.5,"balance":87.5,"available":80}""";

    public const string Balance =
        """{"customer":"user_42","balance":100,"held":7.5,"available":92.5,"owed":0,"usd":0.1}""";

    public static readonly NewCharge Chapter = new() { Amount = 12.5m, Reason = "Chapter 3" };

    public static Task<Charge> ChargeChapter(this PurserClient purser, CancellationToken ct) =>
        purser.Charges.CreateAsync("user_42", Chapter, ct);

    public static PurserClient Client(this ScriptedServer server, TimeProvider? time = null, int retries = 3) => new(
        new PurserClientOptions
        {
            BaseAddress = server.Address,
            Key = Key,
            Retries = retries,
            Timeout = Timeout,
            TotalTimeout = TotalTimeout,
            TimeProvider = time ?? new HastyTime(),
        });
}
