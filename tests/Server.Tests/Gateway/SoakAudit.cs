using System.Text.Json;

namespace Purser.Server.Tests.Gateway;

/// <summary>What three sides have on record of the same traffic: its callers, the server and the providers.</summary>
sealed class SoakAudit
{
    static readonly string[] Prompt =
        ["input_tokens", "cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens", "input_audio_tokens", "input_image_tokens"];

    static readonly string[] Answer = ["output_tokens", "reasoning_tokens", "output_audio_tokens", "output_image_tokens"];

    readonly SoakTraffic traffic;
    readonly Dictionary<string, JsonElement> calls;
    readonly Dictionary<Caller, (JsonElement[] Calls, Answered Balance, JsonElement Key)> books;
    readonly JsonElement[] served;

    SoakAudit(SoakTraffic traffic, Dictionary<Caller, (JsonElement[] Calls, Answered Balance, JsonElement Key)> books, JsonElement[] served)
    {
        this.traffic = traffic;
        this.books = books;
        this.served = served;
        // Fails where two have the same id.
        calls = books.Values.SelectMany(book => book.Calls).ToDictionary(call => call.GetProperty("id").GetString()!);
    }

    public static async Task<SoakAudit> Of(SoakTraffic traffic, HttpClient server, AiAccount ai)
    {
        var books = new Dictionary<Caller, (JsonElement[], Answered, JsonElement)>();
        foreach (var caller in traffic.Callers)
        {
            var keys = await server.Read($"/v1/customers/{caller.Customer}/keys");
            books[caller] = (
                await Pages(server, $"/v1/customers/{caller.Customer}/calls"),
                await server.Read($"/v1/customers/{caller.Customer}/balance"),
                keys.Json.GetProperty("data")[0]);
        }

        return new(traffic, books, await ai.All());
    }

    /// <summary>That it was what it was meant to be: nothing is proved by what did not happen.</summary>
    public void AssertTraffic()
    {
        string[] endings = ["finished", "provider_refused", "provider_failed", "caller_left", "server_lost"];
        Assert.Superset(endings.ToHashSet(), calls.Values.Select(call => call.State()).ToHashSet());
        Assert.Contains(traffic.Seen, seen => seen.Status == 402);
        Assert.Contains(traffic.Seen, seen => seen is { Status: 200, Whole: false });
    }

    public void AssertBalances()
    {
        foreach (var (caller, (mine, balance, key)) in books)
        {
            Assert.Equal((caller.Credits - mine.Sum(Books.Charged), 0m), (balance.Number("balance"), balance.Number("held")));
            if (key.TryGetProperty("budget", out var budget))
                Assert.Equal((mine.Sum(Books.Charged), 0m), (budget.GetProperty("used").GetDecimal(), budget.GetProperty("held").GetDecimal()));
        }

        foreach (var call in calls.Values)
        {
            Assert.True(call.Charged() <= call.GetProperty("held").GetDecimal(), call.ToString());
            var lines = call.TryGetProperty("quote", out var quote) ? quote.GetProperty("lines").EnumerateArray().ToArray() : [];
            Assert.Equal(call.Charged(), lines.Sum(line => line.GetProperty("amount").GetDecimal()));
        }
    }

    public void AssertWhatCallersSaw()
    {
        foreach (var seen in traffic.Seen.Where(seen => seen.Id is not null))
        {
            Assert.True(calls.TryGetValue(seen.Id!, out var call), $"{seen} is nowhere on record.");
            if (!seen.Whole || call.State() == "server_lost") continue;

            if (seen.Status != 200) Assert.Equal((seen.Id, 0m), (seen.Id, call.Charged()));
            // One that had to be shorter, for want of credits, costs less.
            else if (seen.Course is { } course && !call.TryGetProperty("limited_to", out _))
                Assert.Equal((call.ToString(), course.State, course.Charged, course.Estimated), (call.ToString(), call.State(), call.Charged(), call.Estimated()));
        }
    }

    public void AssertWhatWasServed()
    {
        var byRequest = served.ToDictionary(one => one.GetProperty("request_id").GetString()!);
        var named = calls.Values.Where(call => call.TryGetProperty("provider_request", out _)).ToArray();
        var requests = named.Select(call => call.GetProperty("provider_request").GetString()!).ToHashSet();
        Assert.Equal(named.Length, requests.Count);
        foreach (var call in named.Where(call => !call.Estimated() && call.State() is "finished" or "caller_left"))
        {
            var record = byRequest[call.GetProperty("provider_request").GetString()!];
            if (record.GetProperty("report").GetString() == "zero") continue;

            var usage = record.GetProperty("usage");
            Assert.Equal(
                (call.ToString(), usage.GetProperty("input").GetInt64(), usage.GetProperty("output").GetInt64()),
                (call.ToString(), Prompt.Sum(meter => call.Used(meter)), Answer.Sum(meter => call.Used(meter))));
        }

        // What was answered and is on nobody's bill is what a killed server had not passed on yet.
        var unpaid = served.Count(one => one.GetProperty("outcome").GetString() == "finished"
            && !requests.Contains(one.GetProperty("request_id").GetString()!));
        Assert.InRange(unpaid, 0, calls.Values.Count(call => call.State() == "server_lost"));
    }

    static async Task<JsonElement[]> Pages(HttpClient server, string path)
    {
        var all = new List<JsonElement>();
        for (var more = true; more;)
        {
            var after = all.Count > 0 ? $"&after={all[^1].GetProperty("id").GetString()}" : "";
            var page = await server.Read($"{path}?limit=500{after}");
            Assert.True(page.Status == 200, page.ToString());
            all.AddRange(page.Json.GetProperty("data").EnumerateArray());
            more = page.Json.GetProperty("has_more").GetBoolean();
        }

        return [.. all];
    }
}
