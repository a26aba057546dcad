using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Sandbox.Stripe.Storage;

/// <summary>The accounts by key. A key never seen before is a new, empty account.</summary>
sealed class Accounts(string folder, TimeProvider time) : IDisposable
{
    const int AccountsMax = 1_000;

    readonly ConcurrentDictionary<string, Account> byKey = new();
    readonly Lock opening = new();

    public IEnumerable<Account> All => byKey.Values;

    /// <summary>Opens what an earlier run left behind, so that its timers and deliveries go on.</summary>
    public void OpenAll()
    {
        Directory.CreateDirectory(folder);
        foreach (var path in Directory.GetFiles(folder, "key", SearchOption.AllDirectories)) Of(File.ReadAllText(path));
    }

    public Account Of(string key)
    {
        if (byKey.TryGetValue(key, out var known)) return known;
        lock (opening)
        {
            if (byKey.TryGetValue(key, out known)) return known;
            if (byKey.Count >= AccountsMax) throw StripeError.Invalid("The sandbox holds no more accounts; reset it.");
            var id = $"acct_1{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..15]}";
            var own = Path.Combine(folder, id);
            Directory.CreateDirectory(own);
            File.WriteAllText(Path.Combine(own, "key"), key);
            return byKey[key] = new(id, key, own, time);
        }
    }

    /// <summary>The account that has this object: hosted pages are opened without a key.</summary>
    public Account? Having(string id) => byKey.Values.FirstOrDefault(account =>
    {
        lock (account.Gate) return account.Find(id) is not null;
    });

    public void Reset()
    {
        lock (opening)
        {
            foreach (var account in byKey.Values)
            {
                lock (account.Gate)
                {
                    account.Dispose();
                    Directory.Delete(Path.Combine(folder, account.Id), recursive: true);
                }
            }
            byKey.Clear();
        }
    }

    public void Dispose()
    {
        foreach (var account in byKey.Values) account.Dispose();
    }
}
