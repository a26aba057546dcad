using System.Security.Cryptography;

namespace Purser.Sandbox.Stripe;

/// <summary>Ids in Stripe's shapes: what a client validates, indexes or shortens has to look the same here.</summary>
static class Ids
{
    const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    public static string New(string prefix) => prefix switch
    {
        "cus" or "prod" or "si" => $"{prefix}_{Random(14)}",
        "pi" or "ch" or "re" or "txn" or "py" or "pyr" => $"{prefix}_3{Random(23)}",
        "cs" => $"cs_test_a1{Random(56)}",
        "req" => $"req_{Random(14)}",
        _ => $"{prefix}_1{Random(23)}",
    };

    public static string Random(int length) => RandomNumberGenerator.GetString(Letters, length);

    public static string Secret(string id) => $"{id}_secret_{Random(25)}";
}
