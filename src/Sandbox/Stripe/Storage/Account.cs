namespace Purser.Sandbox.Stripe.Storage;

/// <summary>
/// Everything behind one secret key: objects, their indexes, their timers, their clock. Whoever reads or writes holds
/// <see cref="Gate"/>; operations are short and in memory, so one at a time is also the fastest.
/// </summary>
sealed class Account : IDisposable
{
    // Older events go first when a long run piles them up; Stripe keeps thirty days, a sandbox this many.
    const int EventsMax = 200_000;

    readonly TimeProvider time;
    readonly Journal journal;
    readonly Dictionary<string, Entity> entities = [];
    readonly Dictionary<string, List<Entity>> byKind = [];
    readonly Dictionary<string, List<Entity>> byKey = [];
    readonly Dictionary<string, SortedSet<Timer>> timers = [];
    long sequence;
    long clockOffset;

    public Account(string id, string key, string folder, TimeProvider time)
    {
        Id = id;
        Key = key;
        this.time = time;
        journal = Journal.Open(folder, Replay);
        if (Find(SettingsId) is { } settings) clockOffset = settings.Number("clock_offset");
    }

    public const string SettingsId = "_settings";

    public string Id { get; }
    public string Key { get; }
    public Lock Gate { get; } = new();
    public HashSet<string> KeysInUse { get; } = [];

    /// <summary>The endpoint of each delivery that is on its way.</summary>
    public Dictionary<string, string> DeliveriesInFlight { get; } = [];
    public Queue<string> Faults { get; } = new();

    /// <summary>How the sandbox was last addressed: links to its own pages are made from it.</summary>
    public string BaseUrl { get; set; } = "http://127.0.0.1:5081";

    /// <summary>How deliveries misbehave, when told to. Not stored: a restart ends it.</summary>
    public Chaos? Chaos { get; set; }

    /// <summary>While the account's clock is moved, each thing that falls due sees its own moment.</summary>
    public long? Replaying { get; set; }

    public long WallNow => time.GetUtcNow().ToUnixTimeSeconds();

    public long Now => Replaying ?? (WallNow + clockOffset);

    public JsonObject? Find(string id) => entities.TryGetValue(id, out var entity) ? entity.Body : null;

    public Entity? FindEntity(string id) => entities.GetValueOrDefault(id);

    /// <summary>All objects of a kind, newest first.</summary>
    public IEnumerable<JsonObject> All(string kind) => AllEntities(kind).Select(e => e.Body);

    public IEnumerable<Entity> AllEntities(string kind) =>
        byKind.TryGetValue(kind, out var list) ? NewestFirst(list) : [];

    public IEnumerable<JsonObject> Everything() => entities.Values.Select(e => e.Body);

    /// <summary>Objects of a kind that refer to the given id in the named field, newest first.</summary>
    public IEnumerable<JsonObject> Referring(string kind, string field, string id) =>
        ReferringEntities(kind, field, id).Select(e => e.Body);

    public IEnumerable<Entity> ReferringEntities(string kind, string field, string id) =>
        byKey.TryGetValue(KeyOf(kind, field, id), out var list) ? NewestFirst(list) : [];

    public Timer? NextTimer(string clock) => timers.TryGetValue(clock, out var set) ? set.Min : null;

    public IEnumerable<Timer> DueTimers(string clock, long now) =>
        timers.TryGetValue(clock, out var set) ? set.TakeWhile(t => t.At <= now) : [];

    public void MoveClock(long offset) => clockOffset = offset;

    public long ClockOffset => clockOffset;

    /// <summary>Makes a finished operation last, then visible to lookups by kind, reference and time.</summary>
    public void Commit(List<JsonObject> put, List<string> removed)
    {
        if (put.Count == 0 && removed.Count == 0) return;
        journal.Append(put, removed);
        foreach (var id in removed) Remove(id);
        foreach (var body in put) Index(entities[body.Id()], body);
        if (journal.WantsCompaction) Compact();
    }

    public Entity Put(JsonObject body)
    {
        var id = body.Id();
        if (!entities.TryGetValue(id, out var entity))
        {
            entity = entities[id] = new(id, body.Kind(), ++sequence);
            if (!byKind.TryGetValue(entity.Kind, out var list)) byKind[entity.Kind] = list = [];
            list.Add(entity);
        }
        entity.Body = body;
        return entity;
    }

    /// <summary>Takes back what a failed operation put.</summary>
    public void Restore(string id, JsonObject? before)
    {
        if (before is null) Remove(id);
        else entities[id].Body = before;
    }

    void Remove(string id)
    {
        if (!entities.Remove(id, out var entity)) return;
        entity.Removed = true;
        Unindex(entity);
        var list = byKind[entity.Kind];
        if (list.Count > 0 && list[^1] == entity) list.RemoveAt(list.Count - 1);
        else Sweep(list);
    }

    // Removed entries stay as gaps until they are half of a list, so that removing costs nothing on the way.
    static void Sweep(List<Entity> list)
    {
        if (list.Count < 32 || (list[0].Removed && list[list.Count / 2].Removed)) list.RemoveAll(e => e.Removed);
    }

    void Index(Entity entity, JsonObject body)
    {
        Unindex(entity);
        foreach (var field in Kinds.Indexed)
        {
            if (body.Text(field) is not { } value) continue;
            var key = KeyOf(entity.Kind, field, value);
            if (!byKey.TryGetValue(key, out var list)) byKey[key] = list = [];
            Insert(list, entity);
            entity.Keys.Add(key);
        }
        if (body.Child("_timers") is { } due)
        {
            var set = TimersOf(ClockOf(body));
            foreach (var (name, at) in due)
            {
                var timer = new Timer(Json.AsNumber((JsonValue)at!)!.Value, entity.Sequence, entity.Id, name);
                set.Add(timer);
                entity.Timers.Add((set, timer));
            }
        }
        if (entity.Kind == "event") Trim();
    }

    static void Insert(List<Entity> list, Entity entity)
    {
        var at = list.Count;
        while (at > 0 && list[at - 1].Sequence > entity.Sequence) at--;
        list.Insert(at, entity);
    }

    void Unindex(Entity entity)
    {
        foreach (var key in entity.Keys)
        {
            var list = byKey[key];
            list.Remove(entity);
            if (list.Count == 0) byKey.Remove(key);
        }
        entity.Keys.Clear();
        foreach (var (set, timer) in entity.Timers) set.Remove(timer);
        entity.Timers.Clear();
    }

    void Trim()
    {
        var events = byKind["event"];
        if (events.Count <= EventsMax) return;
        foreach (var old in events.Take(EventsMax / 10).ToList())
        {
            foreach (var delivery in ReferringEntities(Kinds.Delivery, "event", old.Id).ToList()) Remove(delivery.Id);
            Remove(old.Id);
        }
        events.RemoveAll(e => e.Removed);
    }

    public static string ClockOf(JsonObject body) => body.Text("_clock") ?? body.Text("test_clock") ?? "";

    SortedSet<Timer> TimersOf(string clock)
    {
        if (!timers.TryGetValue(clock, out var set)) timers[clock] = set = [];
        return set;
    }

    void Replay(JsonObject line)
    {
        if (line["del"] is JsonArray removed)
        {
            foreach (var id in removed) Remove(id!.GetValue<string>());
        }
        foreach (var body in line.Items("put").Select(Json.Copy)) Index(Put(body), body);
    }

    public void Compact() => journal.Compact(
        entities.Values.OrderBy(e => e.Sequence).Select(e =>
            new JsonObject { ["put"] = new JsonArray(e.Body.DeepClone()) }));

    static IEnumerable<Entity> NewestFirst(List<Entity> list)
    {
        for (var i = list.Count - 1; i >= 0; i--)
        {
            if (!list[i].Removed) yield return list[i];
        }
    }

    static string KeyOf(string kind, string field, string id) => $"{kind} {field} {id}";

    public void Dispose() => journal.Dispose();
}
