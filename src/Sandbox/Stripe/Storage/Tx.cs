namespace Purser.Sandbox.Stripe.Storage;

/// <summary>What caused an operation, as its events tell: a request, or nothing when time did it.</summary>
sealed record Cause(string? RequestId, string? IdempotencyKey)
{
    public static readonly Cause Time = new(null, null);
}

/// <summary>
/// One operation on an account: all of it lasts or none. Objects are changed in place after <see
/// cref="Edit(JsonObject)"/> has kept
/// what they were; that is also how events know what changed.
/// </summary>
sealed class Tx(Account account, Cause cause)
{
    readonly Dictionary<string, JsonObject?> before = [];
    readonly Dictionary<string, JsonObject> told = [];
    readonly Dictionary<string, JsonObject> added = [];
    readonly List<string> removed = [];
    readonly Queue<Action> later = new();

    /// <summary>The events this operation wrote, by their types.</summary>
    public List<(string Id, string Type)> Events { get; } = [];

    public Account Account => account;
    public Cause Cause => cause;

    /// <summary>One operation sees one time.</summary>
    public long Now { get; } = account.Now;

    public JsonObject? Find(string id) => removed.Contains(id) ? null : account.Find(id);

    public JsonObject? Find(string kind, string id) => Find(id) is { } found && found.Kind() == kind ? found : null;

    public JsonObject Get(string id) => Find(id) ?? throw new InvalidOperationException($"{id} is gone");

    public IEnumerable<JsonObject> All(string kind) => account.All(kind);

    /// <summary>Like the account's, and it also sees what this operation itself has added or changed.</summary>
    public List<JsonObject> Referring(string kind, string field, string id)
    {
        var found = account.Referring(kind, field, id).Where(o => o.Text(field) == id &&
            !removed.Contains(o.Id())).ToList();
        foreach (var touched in before.Keys)
        {
            if (account.Find(touched) is { } body && body.Kind() == kind && body.Text(field) == id &&
                !found.Contains(body))
            {
                found.Insert(0, body);
            }
        }
        return found;
    }

    public JsonObject Add(JsonObject body)
    {
        before.TryAdd(body.Id(), null);
        removed.Remove(body.Id());
        added[body.Id()] = body;
        account.Put(body);
        return body;
    }

    public JsonObject Edit(JsonObject body)
    {
        if (!before.ContainsKey(body.Id())) before[body.Id()] = body.Copy();
        return body;
    }

    public JsonObject Edit(string id) => Edit(Get(id));

    public void Remove(string id)
    {
        if (!before.ContainsKey(id)) before[id] = account.Find(id)?.Copy();
        removed.Add(id);
    }

    /// <summary>Time as this object sees it: its test clock's, or the account's.</summary>
    public long TimeOf(JsonObject? body)
    {
        var clock = body is null ? "" : Account.ClockOf(body);
        return clock.Length > 0 && Find(clock) is { } found ? found.MaybeNumber("_now") ?? found.Number("frozen_time")
            : Now;
    }

    /// <summary>
    /// What an object was when this operation began, or at its last event; the next event counts from here. Null
    /// where it was not there yet.
    /// </summary>
    public JsonObject? Tell(JsonObject body)
    {
        var was = told.TryGetValue(body.Id(), out var last) ? last : before.GetValueOrDefault(body.Id());
        told[body.Id()] = body.Copy();
        return was;
    }

    /// <summary>Runs at the end of the same operation: what Stripe does a moment after.</summary>
    public void Later(Action action) => later.Enqueue(action);

    public void Commit()
    {
        RunLater();
        var put = before.Keys.Where(id => !removed.Contains(id))
            .Select(id => added.TryGetValue(id, out var fresh) ? fresh : account.Find(id)!).ToList();
        account.Commit(put, [.. removed.Where(id => account.Find(id) is not null)]);
    }

    public void RunLater()
    {
        while (later.TryDequeue(out var action)) action();
    }

    /// <summary>Takes everything back; the operation may then go on as if nothing had been done.</summary>
    public void Rollback()
    {
        foreach (var (id, body) in before) account.Restore(id, body);
        before.Clear();
        added.Clear();
        told.Clear();
        Events.Clear();
        removed.Clear();
        later.Clear();
    }
}
