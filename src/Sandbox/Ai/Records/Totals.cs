namespace Purser.Sandbox.Ai.Records;

/// <summary>The calls of one account and one model, added up.</summary>
sealed class Sum
{
    public long Calls { get; set; }
    public Dictionary<Outcome, long> Outcomes { get; } = [];
    public Usage Usage { get; } = new();

    public void Add(Outcome outcome, Usage usage)
    {
        Calls++;
        Outcomes[outcome] = Outcomes.GetValueOrDefault(outcome) + 1;
        Usage.Add(usage);
    }

    public void Add(Sum other)
    {
        Calls += other.Calls;
        foreach (var (outcome, calls) in other.Outcomes)
        {
            Outcomes[outcome] = Outcomes.GetValueOrDefault(outcome) + calls;
        }
        Usage.Add(other.Usage);
    }
}

/// <summary>
/// What an account was served since the last reset, by model; unlike the calls themselves it forgets nothing.
/// </summary>
sealed class Totals
{
    // More names than any test uses, so that one that makes them up does not fill the memory.
    const int ModelsMax = 1000;

    readonly Lock gate = new();
    readonly Dictionary<string, Sum> models = [];

    public void Add(Served call)
    {
        lock (gate)
        {
            var name = models.Count < ModelsMax || models.ContainsKey(call.Model) ? call.Model : "others";
            if (!models.TryGetValue(name, out var sum)) models[name] = sum = new();
            sum.Add(call.Outcome, call.Usage);
        }
    }

    public void AddTo(SortedDictionary<string, Sum> all)
    {
        lock (gate)
        {
            foreach (var (name, sum) in models)
            {
                if (!all.TryGetValue(name, out var total)) all[name] = total = new();
                total.Add(sum);
            }
        }
    }
}
