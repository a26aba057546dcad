using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;

namespace Purser.Server.Ledger;

/// <summary>
/// The commands of one transaction. Two round trips:
/// 1. begin; lock the wallets in the order of their ids; read the keys and the holds that are named.
///    (A third, where lots are needed: lots that expired, or a reversal. And one where credits are refused while some
///    are held: holds that are overdue.)
///    Then decide in memory, one command after the other, in the order in which they came.
/// 2. write wallets, entries, keys, holds and lots set-wise; commit.
/// Only then are the callers answered.
/// Hopefully, the first is less: nearly always no other server has the wallets and every key is new. Then the wallets are read
/// without a lock and the keys not at all, or nothing is read and they are taken as they were left; and the second round trip
/// fails where that was wrong, before anything is committed.
/// </summary>
sealed class Batch(
    NpgsqlConnection connection, IReadOnlyList<Pending> commands, Memory memory, DirtyBuckets dirty, LedgerMetrics metrics)
{
    readonly Dictionary<WalletId, Account> accounts = [];
    readonly Dictionary<Guid, Answer> answers = [];
    readonly List<(CommandKey Key, int Bucket, Answer Answer)> newAnswers = [];
    readonly Decision?[] decisions = new Decision?[commands.Count];
    readonly Outcome[] outcomes = new Outcome[commands.Count];

    /// <summary>Commands that need no lots to be decided, and were not sent before.</summary>
    public static bool MayHope(List<Pending> commands)
    {
        foreach (var pending in commands)
        {
            if (pending.Sent is not null || pending.Command
                is not (Command.Charge or Command.PlaceHold or Command.Capture or Command.Release
                    or Command.Adjust or Command.Grant { Cap: null } or Command.ExpireHold)) return false;
        }

        return true;
    }

    public async Task Run(CancellationToken ct)
    {
        await Load(ct);
        for (var i = 0; i < commands.Count; i++) outcomes[i] = Decide(i);
        if (Wanting() is { Count: > 0 } wanting) await DecideAgain(wanting, ct);
        await Write(locked: true, ct);
        Answer();
    }

    /// <summary>Where it is not fulfilled, nothing was written.</summary>
    /// <param name="recall">Whether to take the wallets as they were left, in place of reading them.</param>
    public async Task<Hope> RunHopefully(bool recall, CancellationToken ct)
    {
        var wallets = commands.Select(command => command.Wallet).Distinct().ToArray();
        // In one order on all servers, as the locks are taken.
        Array.Sort(wallets, static (a, b) => a.Value.CompareTo(b.Value));
        var loaded = recall
            ? memory.Recall(wallets, commands)
            : await BatchRows.Load(connection, wallets, commands, locked: false, ct);
        if (loaded is null || loaded.Wallets.Count < wallets.Length || NeedLots(loaded.Wallets).Count > 0) return Hope.NotNow;

        foreach (var id in wallets) accounts.Add(id, loaded.Account(id, lots: null));
        for (var i = 0; i < commands.Count; i++)
        {
            outcomes[i] = Decide(i);
            // What leaves no key would not notice that its key was used before.
            if (outcomes[i] is Outcome.Refused { Why: var why } && why.LeavesKeyFree()) return Hope.NotNow;
        }

        if (Wanting() is { Count: > 0 } wanting)
        {
            // Nobody remembers which holds are overdue.
            if (recall) return Hope.NotNow;
            await DecideAgain(wanting, ct);
        }

        // The write only checks what it changes. What is refused is refused on what is there now.
        if (recall && !accounts.Values.All(account => account.Changed)) return Hope.NotNow;

        try
        {
            await Write(locked: false, ct);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.SerializationFailure
            or PostgresErrorCodes.DeadlockDetected)
        {
            // Said by PostgreSQL itself: nothing of it is there.
            foreach (var pending in commands) pending.Sent = null;
            return recall && e.SqlState == PostgresErrorCodes.SerializationFailure ? Hope.Outdated : Hope.Vain;
        }

        Answer();
        return Hope.Fulfilled;
    }

    void Answer()
    {
        for (var i = 0; i < commands.Count; i++)
        {
            metrics.Answered(outcomes[i]);
            commands[i].TrySetResult(outcomes[i]);
        }
    }

    async Task Load(CancellationToken ct)
    {
        var wallets = commands.Select(command => command.Wallet).Distinct().ToArray();
        var loaded = await BatchRows.Load(connection, wallets, commands, locked: true, ct);
        if (loaded.Wallets.Count < wallets.Length)
        {
            // The first command of a customer opens the wallet, in a transaction of its own: a row that is inserted
            // while others are locked would be locked out of order.
            await BatchRows.Rollback(connection, ct);
            await BatchRows.Open(connection, wallets, ct);
            loaded = await BatchRows.Load(connection, wallets, commands, locked: true, ct);
        }

        var needLots = NeedLots(loaded.Wallets);
        var lots = needLots.Count == 0 ? [] : await LotRows.CatchUp(connection, needLots, NamedLots(), ct);
        foreach (var id in loaded.Wallets.Keys) accounts.Add(id, loaded.Account(id, lots.GetValueOrDefault(id)));
        foreach (var answer in loaded.Answers) answers.Add(answer.Key, answer.Value);
    }

    List<Wallet> NeedLots(Dictionary<WalletId, Wallet> wallets)
    {
        var need = new HashSet<WalletId>();
        foreach (var pending in commands)
        {
            if (wallets.TryGetValue(pending.Wallet, out var wallet)
                && Account.NeedsLots(wallet, pending.Command, pending.Now)) need.Add(wallet.Id);
        }

        return [.. need.Select(id => wallets[id])];
    }

    HashSet<(WalletId, long)> NamedLots() =>
    [
        .. from pending in commands
           let lot = (pending.Command as Command.Reverse)?.Lot ?? (pending.Command as Command.Restore)?.Lot
           where lot is not null
           select (pending.Wallet, lot.Value),
    ];

    Outcome Decide(int index)
    {
        var pending = commands[index];
        if (!accounts.TryGetValue(pending.Wallet, out var account))
            return new Outcome.Refused(Refusal.CustomerUnknown, default, default, Replayed: false);

        if (pending.Key is { } key && answers.TryGetValue(key.Key, out var known))
        {
            // What this very command wrote before its connection broke is no replay to its caller.
            return known.Request == key.Request ? known.Outcome(replayed: pending.Sent is null) : new Outcome.KeyReused();
        }

        if (pending is { Key: null, Sent: Decision.Recorded sent } && account.HasStored(sent.Hold))
            return new Outcome.Done(sent.Receipt, Replayed: false);

        var decision = account.Run(pending.Command, pending.Now);
        decisions[index] = decision;
        var answer = new Answer(pending.Key?.Request ?? default, decision, pending.Now);
        if (pending.Key is { } newKey && !(answer.Refusal is { } why && why.LeavesKeyFree()))
        {
            answers.Add(newKey.Key, answer);
            newAnswers.Add((newKey, pending.Wallet.Bucket, answer));
        }

        return answer.Outcome(replayed: false);
    }

    /// <summary>Commands that were refused just now for want of credits, in wallets that hold some.</summary>
    List<int> Wanting()
    {
        var wanting = new List<int>();
        for (var i = 0; i < commands.Count; i++)
        {
            if (decisions[i] is Decision.Refused { Why: var why } && why.IsWant()
                && accounts[commands[i].Wallet].Wallet.Held > Credits.Zero) wanting.Add(i);
        }

        return wanting;
    }

    /// <summary>
    /// A hold that is past its date keeps nothing from anybody, however late the job that ends it is. What was refused
    /// while one stood is decided once more, behind the rest: all of them came at the same time.
    /// </summary>
    async Task DecideAgain(List<int> wanting, CancellationToken ct)
    {
        var wallets = wanting.Select(index => commands[index].Wallet).Distinct().ToArray();
        var now = wanting.Max(index => commands[index].Now);
        var overdue = await BatchRows.Overdue(connection, wallets, now, ct);
        var freed = wallets.Where(wallet => overdue.HoldsOf(wallet).Count > 0).ToHashSet();
        foreach (var wallet in freed) accounts[wallet].ExpireHolds(overdue.HoldsOf(wallet), overdue.BudgetsOf(wallet), now);

        var again = wanting.Where(index => freed.Contains(commands[index].Wallet)).ToHashSet();
        var keys = again.Select(index => commands[index].Key?.Key).OfType<Guid>().ToHashSet();
        foreach (var key in keys) answers.Remove(key);
        newAnswers.RemoveAll(one => keys.Contains(one.Key.Key));
        for (var i = 0; i < commands.Count; i++)
        {
            // Also one with the same key as one of these.
            if (again.Contains(i) || (commands[i].Key is { } key && keys.Contains(key.Key))) outcomes[i] = Decide(i);
        }
    }

    async Task Write(bool locked, CancellationToken ct)
    {
        var written = new Written(accounts.Values.Where(account => account.Changed).ToList(), newAnswers, Riding());
        if (written.Changed.Count == 0 && newAnswers.Count == 0)
        {
            if (locked) await BatchRows.Rollback(connection, ct);
            return;
        }

        for (var i = 0; i < commands.Count; i++) commands[i].Sent = decisions[i] ?? commands[i].Sent;
        await BatchRows.Write(connection, written, locked, ct);
        foreach (var account in written.Changed)
        {
            dirty.Mark(account.Wallet.Id.Bucket);
            memory.Keep(account);
        }
    }

    List<(Rider, Receipt)> Riding()
    {
        var riding = new List<(Rider, Receipt)>();
        for (var i = 0; i < commands.Count; i++)
        {
            if (commands[i].Rider is { } rider && decisions[i] is Decision.Recorded { Anew: true } recorded)
                riding.Add((rider, recorded.Receipt));
        }

        return riding;
    }
}

/// <summary>What came of running a batch hopefully.</summary>
enum Hope
{
    Fulfilled,

    /// <summary>Something in it has to be looked up.</summary>
    NotNow,

    /// <summary>Another server was at a wallet since it was left.</summary>
    Outdated,

    /// <summary>A key was known, or another server was at a wallet: that is likely to go on for a while.</summary>
    Vain,
}

/// <summary>A decision as it is kept with its key: enough to answer again, for ever.</summary>
sealed record Answer(Guid Request, Refusal? Refusal, Receipt Receipt)
{
    public Answer(Guid request, Decision decision, DateTimeOffset now)
        : this(request, (decision as Decision.Refused)?.Why, Kept(decision, now)) { }

    public Outcome Outcome(bool replayed) => Refusal is { } why
        ? new Outcome.Refused(why, Receipt.Amount, Receipt.Available, replayed)
        : new Outcome.Done(Receipt, replayed);

    static Receipt Kept(Decision decision, DateTimeOffset now) => decision switch
    {
        Decision.Recorded recorded => recorded.Receipt,
        Decision.Refused refused => new(
            now, null, null, refused.Required, default, refused.Available, default, default),
        _ => throw new InvalidOperationException($"{decision.GetType().Name} has no receipt."),
    };
}
