namespace Purser.Sandbox.Stripe.Events;

/// <summary>Probabilities by which the deliveries of an account misbehave.</summary>
sealed record Chaos(double Duplicate, double Shuffle, double Drop);

/// <summary>
/// The event log. An event freezes its object as it was; who is to hear of it is settled in the same operation, so
/// neither can be lost without the other.
/// </summary>
static class EventLog
{
    const long ShuffleSecondsMax = 4;

    // An event is frozen in the shapes of every version that hears of it, since later nobody knows what it was then.
    const string Shapes = "_shapes";

    public static void Emit(this Tx tx, string type, JsonObject body) => Write(tx, type, body, null);

    /// <summary>
    /// Keeps a place in the log for an event whose object is not finished yet; calling the answer fills it. A
    /// subscription is announced before its first payment, yet as what that payment made of it.
    /// </summary>
    public static Action EmitAhead(this Tx tx, string type, JsonObject body)
    {
        var e = Write(tx, type, body, null);
        return () =>
        {
            tx.Tell(body);
            e["data"] = Data(tx, body, null, ApiVersion.Current);
            foreach (var version in e.Under(Shapes).Select(p => p.Key).ToList())
            {
                e.Under(Shapes)[version] = Data(tx, body, null, new(version));
            }
            tx.Add(e);
        };
    }

    /// <summary>An event that also tells what changed; without any change there is no event.</summary>
    public static void EmitUpdate(this Tx tx, string type, JsonObject body)
    {
        if (tx.Tell(body) is { } was && Json.Changes(was, body).Count > 0) Write(tx, type, body, was);
    }

    static JsonObject Write(Tx tx, string type, JsonObject body, JsonObject? was)
    {
        if (was is null) tx.Tell(body);
        var e = new JsonObject
        {
            ["id"] = Ids.New("evt"),
            ["object"] = "event",
            ["api_version"] = ApiVersion.Current.Name,
            ["created"] = tx.TimeOf(body),
            ["data"] = Data(tx, body, was, ApiVersion.Current),
            ["livemode"] = false,
            ["pending_webhooks"] = 0L,
            ["request"] = new JsonObject { ["id"] = tx.Cause.RequestId, ["idempotency_key"] = tx.Cause.IdempotencyKey },
            ["type"] = type,
        };
        var listening = tx.All("webhook_endpoint").Where(w => Hears(w, type)).ToList();
        e["pending_webhooks"] = (long)listening.Count;
        foreach (var version in listening.Select(VersionOf).Where(v => v != ApiVersion.Current).Distinct())
        {
            e.Under(Shapes)[version.Name] = Data(tx, body, was, version);
        }
        tx.Add(e);
        tx.Events.Add((e.Id(), type));
        foreach (var endpoint in listening) Address(tx, e.Id(), endpoint.Id());
        return e;
    }

    /// <summary>What a version shows of an object, and of what it was.</summary>
    static JsonObject Data(Tx tx, JsonObject body, JsonObject? was, ApiVersion version)
    {
        var now = Rendering.Show(tx, body, version);
        var data = new JsonObject { ["object"] = now };
        if (was is not null) data["previous_attributes"] = Json.Changes(Rendering.Show(tx, was, version), now);
        return data;
    }

    static bool Hears(JsonObject endpoint, string type)
    {
        if (endpoint.Text("status") != "enabled") return false;
        foreach (var wanted in endpoint.Texts("enabled_events"))
        {
            if (wanted == "*" || wanted == type) return true;
        }
        return false;
    }

    static void Address(Tx tx, string e, string endpoint)
    {
        var chaos = tx.Account.Chaos;
        var copies = chaos is not null && Random.Shared.NextDouble() < chaos.Duplicate ? 2 : 1;
        for (var i = 0; i < copies; i++)
        {
            var delay = chaos is not null && Random.Shared.NextDouble() < chaos.Shuffle
                ? Random.Shared.NextInt64(1, ShuffleSecondsMax)
                : 0;
            var delivery = tx.Add(new()
            {
                ["id"] = Ids.New(Kinds.Delivery),
                ["object"] = Kinds.Delivery,
                ["event"] = e,
                ["endpoint"] = endpoint,
                ["attempts"] = 0L,
                ["_clock"] = Deliveries.ClockOf(endpoint),
            });
            var dropped = chaos is not null && Random.Shared.NextDouble() < chaos.Drop;
            if (!dropped) delivery.SetTimer("send", tx.Account.Now + delay);
        }
    }

    public static ApiVersion VersionOf(JsonObject endpoint) =>
        endpoint.Text("api_version") is { } name ? new(name) : ApiVersion.Current;

    /// <summary>
    /// An event as it is now read or sent: how many endpoints have not taken it is counted, not stored.
    /// </summary>
    public static JsonObject Show(Account account, JsonObject e)
    {
        var shown = e.Visible();
        shown["pending_webhooks"] = (long)account.Referring(Kinds.Delivery, "event", e.Id()).Select(d =>
            d.Text("endpoint")).Distinct().Count();
        return shown;
    }

    /// <summary>The event as a given endpoint gets it, in the shapes of that endpoint's version.</summary>
    public static JsonObject ShowFor(Account account, JsonObject e, JsonObject endpoint)
    {
        var shown = Show(account, e);
        var version = VersionOf(endpoint);
        shown["api_version"] = version.Name;
        if (e[Shapes]?[version.Name] is { } older) shown["data"] = older.DeepClone();
        return shown;
    }

    public static void Map(Routes routes)
    {
        routes.Add("GET", "/v1/events", List);
        routes.Add("GET", "/v1/events/{id}", call => Show(call.Tx.Account, call.Named("event", "event")));
    }

    static JsonObject List(Call call)
    {
        var types = call.P.Texts("types").ToHashSet();
        if (call.P.Text("type") is { } one) types.Add(one);
        var delivered = call.P.MaybeFlag("delivery_success");
        var account = call.Tx.Account;
        var list = call.List("event", "event", e =>
            (types.Count == 0 || types.Any(t => Matches(t, e.Text("type")!))) &&
            (delivered is null || delivered == !account.Referring(Kinds.Delivery, "event", e.Id()).Any()));
        foreach (var e in list.Items("data"))
        {
            e["pending_webhooks"] = Show(account, account.Find(e.Id())!)["pending_webhooks"]!.DeepClone();
        }
        return list;
    }

    static bool Matches(string pattern, string type) => pattern == type ||
        (pattern.EndsWith(".*", StringComparison.Ordinal) && type.StartsWith(pattern[..^1], StringComparison.Ordinal));
}
