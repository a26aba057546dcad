namespace Purser.Sandbox.Stripe.Billing;

/// <summary>Clocks that stand still until they are moved; moving one is work that goes on after the answer.</summary>
static class TestClocks
{
    public const string Kind = "test_helpers.test_clock";
    const int CustomersMax = 3;
    const long LifetimeSeconds = 30 * 86_400;
    static readonly string[] Bound = ["customer", "subscription", "invoice", "invoiceitem"];

    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/test_helpers/test_clocks", Create);
        routes.Add("GET", "/v1/test_helpers/test_clocks", call => call.List(Kind, "test clock"));
        routes.Add("GET", "/v1/test_helpers/test_clocks/{id}", call => call.Named(Kind, "test clock"));
        routes.Add("POST", "/v1/test_helpers/test_clocks/{id}/advance", Advance);
        routes.Add("DELETE", "/v1/test_helpers/test_clocks/{id}", Delete);
    }

    public static void Map(Control.TimerActions timers) => timers.Add(Kind, "delete", Delete);

    static JsonObject Create(Call call)
    {
        var clock = ApiSpec.Blank(Kind);
        clock["id"] = Ids.New("clock");
        clock["created"] = call.Tx.Now;
        clock["deletes_after"] = call.Tx.Now + LifetimeSeconds;
        clock["frozen_time"] = call.P.Number("frozen_time");
        clock["status"] = "ready";
        clock.Take(call.P, "name");
        clock.SetTimer("delete", clock.Number("deletes_after"));
        call.Tx.Add(clock);
        call.Tx.Emit("test_helpers.test_clock.created", clock);
        return clock;
    }

    static JsonObject Advance(Call call)
    {
        var clock = call.Named(Kind, "test clock");
        var target = call.P.Number("frozen_time");
        if (clock.Text("status") == "advancing")
        {
            throw StripeError.Invalid("Test clock advancement underway - cannot perform modifications.",
                code: "test_clock_advancing",
                status: 429);
        }
        if (target <= clock.Number("frozen_time"))
        {
            throw StripeError.Invalid("The frozen time can only be moved forward.", "frozen_time");
        }
        var limit = Limit(call.Tx, clock);
        if (target > limit)
        {
            throw StripeError.Invalid("Test clocks can only be advanced at most two intervals of the shortest subscription from the "
                + "current frozen time at once.", "frozen_time");
        }
        call.Tx.Edit(clock);
        clock["status"] = "advancing";
        clock["status_details"] = new JsonObject { ["advancing"] = new JsonObject { ["target_frozen_time"] = target } };
        call.Tx.Emit("test_helpers.test_clock.advancing", clock);
        return clock;
    }

    static long Limit(Tx tx, JsonObject clock)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(clock.Number("frozen_time"));
        var limit = now.AddYears(2).ToUnixTimeSeconds();
        foreach (var subscription in tx.All("subscription").Where(s => s.Text("test_clock") == clock.Id()))
        {
            if (subscription.Text("status") is "canceled" or "incomplete_expired") continue;
            foreach (var item in subscription.Items("items"))
            {
                var recurring = item.Child("price")!.Child("recurring")!;
                var two = Periods.Add(clock.Number("frozen_time"), recurring.Text("interval")!,
                    2 * recurring.Number("interval_count"));
                limit = Math.Min(limit, two);
            }
        }
        return limit;
    }

    static JsonObject Delete(Call call)
    {
        var clock = call.Named(Kind, "test clock");
        Delete(call.Tx, clock);
        return new() { ["id"] = clock.Id(), ["object"] = Kind, ["deleted"] = true };
    }

    /// <summary>A clock goes, at a call or by itself after a month, and takes what lives on it along.</summary>
    static void Delete(Tx tx, JsonObject clock)
    {
        tx.Emit("test_helpers.test_clock.deleted", clock);
        foreach (var kind in Bound)
        {
            foreach (var bound in tx.All(kind).Where(o => o.Text("test_clock") == clock.Id()).ToList())
            {
                tx.Remove(bound.Id());
            }
        }
        tx.Remove(clock.Id());
    }

    /// <summary>The clock a new customer is to live on.</summary>
    public static string? ForCustomer(Call call)
    {
        if (call.Referred(Kind, "test clock", "test_clock") is not { } clock) return null;
        if (call.Tx.All("customer").Count(c => c.Text("test_clock") == clock.Id()) >= CustomersMax)
        {
            throw StripeError.Invalid($"You have reached the maximum of {CustomersMax} customers on this test clock.",
                "test_clock");
        }
        return clock.Id();
    }
}
