using System.Collections;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Purser.Server.Platform;

enum Mode
{
    Production,
    Development,
}

/// <summary>
/// What the settings are read for: the same variables mean less to a tool than to a server that takes money.
/// </summary>
enum Purpose
{
    Up,
    Server,
    Tool,
}

/// <summary>What the environment says of an AI provider. Without an address it is where its documentation says.</summary>
sealed record ProviderAccess(Uri? Address, string? Key);

/// <summary>Where Stripe is reached. Two webhook secrets count while one is being rolled.</summary>
sealed record StripeAccess(Uri Address, string SecretKey, IReadOnlyList<string> WebhookSecrets)
{
    /// <summary>Names the account that ./purser up sells with.</summary>
    public const string SandboxKey = "sk_test_sandbox";

    /// <summary>Prices that were made by hand or by ./purser stripe setup: STRIPE_PRICE_… and the id.</summary>
    public IReadOnlyDictionary<string, string> Prices { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether it is real money. Nothing of one mode is ever used in the other.</summary>
    public bool Livemode => SecretKey.StartsWith("sk_live_", StringComparison.Ordinal)
        || SecretKey.StartsWith("rk_live_", StringComparison.Ordinal);
}

/// <summary>
/// Everything the environment says, read once and checked as a whole: all faults are told at the same time.
/// docs/configuration.md describes each variable.
/// </summary>
sealed partial record Settings
{
    public required Mode Mode { get; init; }

    /// <summary>
    /// Loopback, unless something in front of the server, such as a container's network, must reach it.
    /// </summary>
    public required string Host { get; init; }

    /// <summary>Zero lets the system choose, which is what tests want.</summary>
    public required int Port { get; init; }

    public required int SandboxPort { get; init; }

    public required string DataFolder { get; init; }

    /// <summary>An Npgsql connection string, or null where the embedded PostgreSQL is used.</summary>
    public required string? Database { get; init; }

    /// <summary>Where several servers count together what a key may do. Null where each counts by itself.</summary>
    public required RedisAddress? Redis { get; init; }

    /// <summary>Empty where the environment names none, until <see cref="WithAdminKey"/>.</summary>
    public required string AdminKey { get; init; }

    /// <summary>Seals what has to be read again, such as customers' own keys. Null where nothing can be sealed.</summary>
    public required string? EncryptionKey { get; init; }

    public required string CatalogFile { get; init; }

    /// <summary>The product whose own paths are served beside Purser's.</summary>
    public required string? Edition { get; init; }

    /// <summary>Of the product's pages: what may call the edition from a browser, and where a purchase may lead back to.</summary>
    public required IReadOnlyList<string> Origins { get; init; }

    /// <summary>Who says who the product's users are; null where nobody does.</summary>
    public required OidcAccess? Oidc { get; init; }

    public required StripeAccess? Stripe { get; init; }

    /// <summary>A shell that names no mode may be one beside ./purser up.</summary>
    public bool NamesMode { get; init; }

    /// <summary>By name in lower case: openai, anthropic, … and whichever else has an address.</summary>
    public required IReadOnlyDictionary<string, ProviderAccess> Providers { get; init; }

    /// <summary>For trying out a server whose users do not come from the sandbox.</summary>
    public required SmokeTokens SmokeTokens { get; init; }

    /// <summary>What the environment says of switches, by name; they may be changed later.</summary>
    public required IReadOnlyDictionary<string, string> Switches { get; init; }

    public required string? PostgresBin { get; init; }

    public required string SearchPath { get; init; }

    /// <summary>What Kestrel is told to listen on.</summary>
    public string Url => $"http://{Host}:{Port}";

    public Uri Sandbox => SandboxAt(SandboxPort);

    /// <param name="edition">As the command line names it; without, the environment does.</param>
    public static Settings FromEnvironment(Purpose purpose, string? edition = null)
    {
        var variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(one => (string)one.Key, one => (string)one.Value!);
        if (edition is not null) variables["PURSER_EDITION"] = edition;
        return Read(variables, purpose);
    }

    public static Settings Read(IReadOnlyDictionary<string, string> environment, Purpose purpose)
    {
        var source = new Reading(environment, purpose);
        var settings = source.Settings();
        return source.Faults.Count == 0 ? settings : throw new StartFailure(source.Faults);
    }

    // A record would print its members, and among these are keys.
    public override string ToString() => nameof(Settings);

    /// <summary>For a server: with the key that the data folder keeps, where the environment named none.</summary>
    public Settings WithAdminKey() =>
        AdminKey.Length > 0 ? this : this with { AdminKey = AdminKeyFile.ReadOrCreate(DataFolder) };

    /// <summary>For a server whose data folder is kept: it keeps the encryption key as well.</summary>
    public Settings WithEncryptionKey() => EncryptionKey is not null
        ? this
        : this with { EncryptionKey = SecretFile.ReadOrCreate(Path.Combine(DataFolder, "encryption-key"), () => RandomNumberGenerator.GetHexString(48)) };

    static Uri SandboxAt(int port) => new($"http://127.0.0.1:{port}");

    // Those whose variables are checked: others may have names that end alike and mean something else.
    static readonly string[] KnownProviders = ["OPENAI", "ANTHROPIC", "GOOGLE", "MISTRAL", "DEEPSEEK", "XAI", "GROQ"];

    sealed partial class Reading(IReadOnlyDictionary<string, string> environment, Purpose purpose)
    {
        readonly List<string> faults = [];
        Mode mode;
        int sandboxPort;

        public List<string> Faults => faults;

        public Settings Settings()
        {
            mode = ReadMode();
            sandboxPort = Port("PURSER_SANDBOX_PORT", 5081, lowest: 1);
            var home = Get("PURSER_HOME") ?? Directory.GetCurrentDirectory();
            var settings = new Settings
            {
                Mode = mode,
                Host = Host(),
                Port = Port("PURSER_PORT", 5080, lowest: 0),
                SandboxPort = sandboxPort,
                DataFolder = Path.GetFullPath(Get("PURSER_DATA") ?? Path.Combine(home, "data")),
                Database = Database(),
                Redis = Redis(),
                AdminKey = AdminKey(),
                EncryptionKey = EncryptionKey(),
                CatalogFile = Path.GetFullPath(Get("PURSER_CATALOG") ?? Path.Combine(home, "catalogs", $"{Get("PURSER_EDITION") ?? "default"}.yaml")),
                Edition = Get("PURSER_EDITION"),
                Origins = Origins(),
                Oidc = Oidc(),
                SmokeTokens = new(Secret("PURSER_SMOKE_USER_TOKEN"), Secret("PURSER_SMOKE_ADMIN_TOKEN")),
                Stripe = Stripe(),
                NamesMode = Get("PURSER_MODE") is not null,
                Providers = Providers(),
                Switches = environment.Where(one => one.Key.StartsWith("BILLING_", StringComparison.Ordinal) && one.Value.Length > 0).ToDictionary(),
                PostgresBin = Get("PURSER_POSTGRES_BIN"),
                SearchPath = Get("PATH") ?? "",
            };
            if (settings.Port == sandboxPort)
                faults.Add("PURSER_PORT and PURSER_SANDBOX_PORT are the same: choose two.");
            if (purpose == Purpose.Server) RequireWhatAServerNeeds(settings);
            return settings;
        }

        string? Get(string name) =>
            environment.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

        Mode ReadMode()
        {
            // `up` is for trying things, whatever the shell it is typed into was set up for.
            if (purpose == Purpose.Up) return Mode.Development;
            switch (Get("PURSER_MODE"))
            {
                case null or "production": return Mode.Production;
                case "development": return Mode.Development;
                default:
                    faults.Add("PURSER_MODE must be production or development.");
                    return Mode.Production;
            }
        }

        string Host()
        {
            var host = Get("PURSER_HOST") ?? "127.0.0.1";
            if (IPAddress.TryParse(host, out var address))
                return address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : host;
            faults.Add("PURSER_HOST must be an IP address to listen on, such as 127.0.0.1 or 0.0.0.0.");
            return "127.0.0.1";
        }

        int Port(string name, int usual, int lowest)
        {
            if (Get(name) is not { } text) return usual;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                && port >= lowest && port <= 65535) return port;
            faults.Add($"{name} must be a port from {lowest} to 65535.");
            return usual;
        }

        string? Database()
        {
            if (Get("DATABASE_URL") is not { } url) return null;
            var (connectionString, fault) = DatabaseUrl.Parse(url);
            if (fault is not null) faults.Add($"DATABASE_URL {fault}.");
            return connectionString;
        }

        RedisAddress? Redis()
        {
            if (Get("REDIS_URL") is not { } url) return null;
            var (address, fault) = RedisAddress.Parse(url);
            if (fault is not null) faults.Add($"REDIS_URL {fault}.");
            return address;
        }

        string AdminKey()
        {
            var key = Secret("PURSER_ADMIN_KEY") ?? "";
            if (key.Length is > 0 and < 16) faults.Add("PURSER_ADMIN_KEY must have 16 characters or more.");
            return key;
        }

        string? EncryptionKey()
        {
            var key = Secret("PURSER_ENCRYPTION_KEY");
            if (key is { Length: < 16 }) faults.Add("PURSER_ENCRYPTION_KEY must have 16 characters or more.");
            return key;
        }

        StripeAccess? Stripe()
        {
            var key = Secret("STRIPE_SECRET_KEY");
            var address = Address("STRIPE_API_BASE");
            var secrets = (Get("STRIPE_WEBHOOK_SECRET") ?? "").Split(',', StringSplitOptions.TrimEntries
                | StringSplitOptions.RemoveEmptyEntries);
            if (key is not null && !StripeKey.IsMatch(key))
                faults.Add("STRIPE_SECRET_KEY must begin with sk_test_, sk_live_, rk_test_ or rk_live_.");
            if (secrets.Length > 2 || secrets.Any(secret => !WebhookSecret.IsMatch(secret)))
            {
                faults.Add("STRIPE_WEBHOOK_SECRET must be one secret that begins with whsec_, "
                    + "or two with a comma between them.");
            }


            if (key is not null) return new(address ?? new("https://api.stripe.com"), key, secrets) { Prices = StripePrices() };
            if (mode == Mode.Development)
                return new(address ?? SandboxAt(sandboxPort), StripeAccess.SandboxKey, secrets) { Prices = StripePrices() };
            return null;
        }

        Dictionary<string, string> StripePrices()
        {
            const string Prefix = "STRIPE_PRICE_";
            var prices = environment.Where(one => one.Key.StartsWith(Prefix, StringComparison.Ordinal) && one.Value.Length > 0)
                .ToDictionary();
            foreach (var (name, id) in prices.Where(one => !one.Value.StartsWith("price_", StringComparison.Ordinal)))
                faults.Add($"{name} must be the id of a price, which begins with price_.");
            return prices;
        }

        Dictionary<string, ProviderAccess> Providers()
        {
            const string Suffix = "_BASE_URL";
            var providers = new Dictionary<string, ProviderAccess>();
            foreach (var name in KnownProviders)
            {
                var access = new ProviderAccess(Address(name + Suffix), Secret($"{name}_API_KEY"));
                if (access != new ProviderAccess(null, null)) providers[name.ToLowerInvariant()] = access;
            }

            foreach (var (variable, value) in environment.Where(one => one.Key.EndsWith(Suffix, StringComparison.Ordinal)))
            {
                var name = variable[..^Suffix.Length];
                if (Uri.TryCreate(value, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")
                    providers.TryAdd(name.ToLowerInvariant(), new(address, Get($"{name}_API_KEY")));
            }

            return providers;
        }

        string? Secret(string name)
        {
            var value = Get(name);
            if (value is not null && value.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)))
                faults.Add($"{name} contains white space; it was probably pasted with a line break.");
            return value;
        }

        Uri? Address(string name)
        {
            if (Get(name) is not { } text) return null;
            if (Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")
                return address;
            faults.Add($"{name} must be an http:// or https:// address.");
            return null;
        }

        void RequireWhatAServerNeeds(Settings settings)
        {
            if (Get("DATABASE_URL") is null && Get("PURSER_DATA") is null)
            {
                faults.Add("DATABASE_URL is not set: name the PostgreSQL to use, "
                    + "or set PURSER_DATA to use an embedded one.");
            }

            if (settings.Mode == Mode.Development) return;

            var keeps = Get("PURSER_DATA") is not null && AdminKeyFile.Exists(settings.DataFolder);
            if (settings.AdminKey.Length == 0 && !keeps)
                faults.Add("PURSER_ADMIN_KEY is not set: choose a secret of 16 characters or more.");
            RequireWhatAnEditionNeeds(settings);
            RefuseHalfAStripe();
            RefuseSandboxAddresses();
            RefuseTestKeysBesideLiveOnes();
        }

        void RefuseHalfAStripe()
        {
            string[] names = ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"];
            if (Get("STRIPE_API_BASE") is null && names.All(name => Get(name) is null)) return;
            foreach (var name in names.Where(name => Get(name) is null))
            {
                faults.Add($"{name} is not set, but other settings of Stripe are: "
                    + "set it, or remove them to run without payments.");
            }
        }

        void RefuseSandboxAddresses()
        {
            var names = KnownProviders.Select(provider => $"{provider}_BASE_URL");
            foreach (var name in names.Prepend("STRIPE_API_BASE"))
            {
                if (Uri.TryCreate(Get(name), UriKind.Absolute, out var address) && address.IsLoopback
                    && address.Port == sandboxPort)
                {
                    faults.Add($"{name} is the sandbox's address, "
                        + "which a production server refuses: nothing there is real.");
                }
            }
        }

        void RefuseTestKeysBesideLiveOnes()
        {
            var names = KnownProviders.Select(provider => $"{provider}_API_KEY");
            var keys = names.Prepend("STRIPE_SECRET_KEY").Where(name => Get(name) is not null).ToArray();
            var test = keys.Where(name => TestKey.IsMatch(Get(name)!)).ToArray();
            if (test.Length == 0 || test.Length == keys.Length) return;
            faults.Add($"{string.Join(", ", test)}: a test key beside the live ones of "
                + $"{string.Join(", ", keys.Except(test))}. Use live keys only, or set PURSER_MODE=development.");
        }

        [GeneratedRegex("^(sk|rk)_(test|live)_.+$")]
        static partial Regex StripeKey { get; }

        [GeneratedRegex("^whsec_.+$")]
        static partial Regex WebhookSecret { get; }

        [GeneratedRegex("^(sk|rk)?[-_]?(test|sandbox)", RegexOptions.IgnoreCase)]
        static partial Regex TestKey { get; }
    }
}
