using System.Text.Json;
using Purser.Server.Tests.Ledger;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Gateway;

/// <summary>
/// What must be true of every caller once its calls have ended, however they did: each is settled once, the call, the
/// ledger and the budget say the same, and nothing stays held.
/// </summary>
static class Books
{
    /// <summary>The calls of a caller, oldest first, once there are so many and all are settled.</summary>
    public static async Task<JsonElement[]> Settled(this Caller caller, string connectionString, int count = 1)
    {
        JsonElement[] calls = [];
        await Eventually.Holds(async () =>
            (calls = await caller.Calls()).Length >= count && (await caller.Balance()).Number("held") == 0);
        Assert.Equal(count, calls.Length);

        var charges = await Charges(caller);
        Assert.All(calls, call => AssertCharged(call, charges));
        Assert.Equal(calls.Count(call => call.TryGetProperty("entry", out _)), charges.Count);
        await AssertBalances(caller, calls);
        await AssertHoldsEnded(caller, connectionString, count);
        await Wallets.AssertProven(connectionString);
        Array.Reverse(calls);
        return calls;
    }

    public static decimal Charged(this JsonElement call) => call.GetProperty("charged").GetDecimal();

    public static string State(this JsonElement call) => call.GetProperty("state").GetString()!;

    public static bool Estimated(this JsonElement call) => call.GetProperty("estimated").GetBoolean();

    /// <summary>So many of what is counted there were charged.</summary>
    public static long Used(this JsonElement call, string meter) =>
        call.GetProperty("usage").TryGetProperty(meter, out var count) ? count.GetInt64() : 0;

    static void AssertCharged(JsonElement call, Dictionary<string, decimal> charges)
    {
        Assert.True(call.Charged() <= call.GetProperty("held").GetDecimal(), call.ToString());
        if (call.Charged() == 0)
        {
            // Of what was used while charging was off, there is an entry that takes nothing.
            Assert.Equal(call.TryGetProperty("uncharged", out _), call.TryGetProperty("entry", out _));
            return;
        }

        Assert.Equal(call.Charged(), charges[call.GetProperty("entry").GetString()!]);
        Assert.Equal(call.Charged(), call.GetProperty("quote").GetProperty("lines").EnumerateArray().Sum(line => line.GetProperty("amount").GetDecimal()));
    }

    static async Task AssertBalances(Caller caller, JsonElement[] calls)
    {
        var spent = calls.Sum(Charged);
        var balance = await caller.Balance();
        Assert.Equal((caller.Credits - spent, 0m), (balance.Number("balance"), balance.Number("held")));

        var keys = (await caller.Server.Read($"/v1/customers/{caller.Customer}/keys")).Json.GetProperty("data").EnumerateArray();
        foreach (var key in keys.Where(key => key.TryGetProperty("budget", out _)))
        {
            var mine = calls.Where(call => call.GetProperty("key").GetString() == key.GetProperty("id").GetString());
            var budget = key.GetProperty("budget");
            Assert.Equal((mine.Sum(Charged), 0m), (budget.GetProperty("used").GetDecimal(), budget.GetProperty("held").GetDecimal()));
        }
    }

    static async Task AssertHoldsEnded(Caller caller, string connectionString, int count)
    {
        var states = await Tables.Read<short>(connectionString, $"""
            select h.state from hold h join customer c on c.wallet_id = h.wallet_id where c.id = '{caller.Customer}'
            """);
        Assert.Equal(count, states.Count);
        Assert.DoesNotContain((short)1, states);
    }

    static async Task<Dictionary<string, decimal>> Charges(Caller caller) =>
        (await caller.Server.Read($"/v1/customers/{caller.Customer}/entries?limit=500")).Json.GetProperty("data").EnumerateArray()
        .Where(entry => entry.GetProperty("kind").GetString() == "charge")
        .ToDictionary(entry => entry.GetProperty("id").GetString()!, entry => -entry.GetProperty("amount").GetDecimal());
}
