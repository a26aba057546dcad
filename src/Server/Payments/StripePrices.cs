using System.Collections.Concurrent;
using Purser.Core;
using Purser.Core.Catalog;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>What a price at Stripe is for.</summary>
sealed record PricedOffer(string Price, string Product, string Code, Interval? Interval, Money Money);

/// <summary>
/// The catalog's offers as products and prices at Stripe. Prices there never change: a new amount is a new price that
/// takes over the lookup key, and the old one still says what was sold for it.
/// </summary>
sealed class StripePrices(StripeClient stripe, StripeAccess access, Db db, TimeProvider time)
{
    const short Packages = 1;
    const short Plans = 2;

    /// <summary>What marks a product at Stripe as made for the catalog.</summary>
    public const string CodeKey = "purser_code";

    // Products that are known to be at Stripe.
    readonly ConcurrentDictionary<string, bool> there = new();

    public static string LookupKey(string code, Interval? interval, string currency) => interval is { } every
        ? $"purser_plan_{code}_{Names.Of(every)}_{currency}"
        : $"purser_package_{code}_{currency}";

    public static string ProductId(string code, bool plan) => $"purser_{(plan ? "plan" : "package")}_{code}";

    /// <summary>The price of one; made where there is none yet.</summary>
    public async Task<PricedOffer> Of(string code, string name, Interval? interval, Money price, CancellationToken ct)
    {
        if (await Known(code, interval, price, ct) is { } known) return known;

        // What the operator configured comes first, if it still costs what the catalog says.
        if (access.Prices.TryGetValue(StripeSetup.VariableOf(code, interval, price.Currency), out var configured))
        {
            var there = await stripe.Get($"/v1/prices/{configured}", null, ct);
            if (Is(there, interval, price))
            {
                var offer = new PricedOffer(configured, there.Reference("product") ?? "", code, interval, price);
                await Keep(offer, ct);
                return offer;
            }
        }

        return await AtStripe(code, name, interval, price, ct);
    }

    /// <summary>Whether a price at Stripe can be sold, costs so much, and is billed so.</summary>
    public static bool Is(StripeObject there, Interval? interval, Money price) =>
        there.Flag("active") == true
        && there.Amount("unit_amount") == price
        && there.Child("recurring")?.Text("interval") == (interval is { } billed ? Names.Of(billed) : null)
        && (there.Child("recurring")?.Number("interval_count") ?? 1) == 1;

    /// <summary>The price as Stripe has it now, whatever was known of it here; made where there is none.</summary>
    public async Task<PricedOffer> AtStripe(string code, string name, Interval? interval, Money price, CancellationToken ct)
    {
        var product = await Product(code, name, interval is not null, ct);
        var lookupKey = LookupKey(code, interval, price.Currency);
        var id = await Find(product, lookupKey, interval, price, ct) ?? await Create(product, lookupKey, interval, price, ct);
        var made = new PricedOffer(id, product, code, interval, price);
        await Keep(made, ct);
        return made;
    }

    /// <summary>What was sold for a price, today's or an old one; null where it is none of ours.</summary>
    public async Task<PricedOffer?> Whose(string price, CancellationToken ct) => await db.One($"""
        select id, product, code, interval, minor, currency from stripe_price
        where id = {price} and livemode = {stripe.Livemode}
        """, Read, ct);

    /// <summary>The product of an offer; made where it is missing. Its id is ours, so that it is made once.</summary>
    public async Task<string> Product(string code, string name, bool plan, CancellationToken ct)
    {
        var id = ProductId(code, plan);
        if (there.ContainsKey(id)) return id;

        try
        {
            await stripe.Post("/v1/products", new()
            {
                { "id", id },
                { "name", name },
                { $"metadata[{CodeKey}]", code },
            }, $"purser-product-{id}-{Guid.CreateVersion7():N}", ct);
        }
        catch (StripeException e) when (e.Code == "resource_already_exists")
        {
            // As it should be.
        }

        there[id] = true;
        return id;
    }

    /// <summary>A price that is right, and that has the lookup key from now on.</summary>
    async Task<string?> Find(string product, string lookupKey, Interval? interval, Money price, CancellationToken ct)
    {
        await foreach (var one in stripe.List("/v1/prices", new() { { "product", product }, { "active", true } }, ct))
        {
            if (!Is(one, interval, price)) continue;
            if (one.Text("lookup_key") == lookupKey) return one.Id;

            await stripe.Post(
                $"/v1/prices/{one.Id}",
                new() { { "lookup_key", lookupKey }, { "transfer_lookup_key", true } },
                $"purser-price-key-{Guid.CreateVersion7():N}",
                ct);
            return one.Id;
        }

        return null;
    }

    async Task<string> Create(string product, string lookupKey, Interval? interval, Money price, CancellationToken ct)
    {
        // The same for all who make it now; another one once that price had to be given up, which Stripe would answer with again.
        var former = (await stripe.Get("/v1/prices", new() { { "lookup_keys[0]", lookupKey } }, ct)).First("data").MaybeId;
        var made = await stripe.Post("/v1/prices", new()
        {
            { "product", product },
            { "currency", price.Currency },
            { "unit_amount", price.Minor },
            { "recurring[interval]", interval is { } every ? Names.Of(every) : null },
            { "lookup_key", lookupKey },
            { "transfer_lookup_key", true },
        }, $"purser-price-{lookupKey}-{price.Minor}-{product}-{former}", ct);
        return made.Id;
    }

    Task<PricedOffer?> Known(string code, Interval? interval, Money price, CancellationToken ct)
    {
        var every = (short?)interval;
        return db.One($"""
            select id, product, code, interval, minor, currency from stripe_price
            where livemode = {stripe.Livemode} and kind = {(interval is null ? Packages : Plans)} and code = {code}
              and interval is not distinct from {every}::smallint
              and currency = {price.Currency} and minor = {price.Minor}
            order by created_at desc limit 1
            """, Read, ct);
    }

    async Task Keep(PricedOffer made, CancellationToken ct)
    {
        var every = (short?)made.Interval;
        await db.Run($"""
            insert into stripe_price (id, livemode, product, kind, code, interval, currency, minor, created_at)
            values ({made.Price}, {stripe.Livemode}, {made.Product}, {(made.Interval is null ? Packages : Plans)}, {made.Code},
              {every}, {made.Money.Currency}, {made.Money.Minor}, {time.Now()})
            on conflict (id) do nothing
            """, ct);
    }

    static PricedOffer Read(Npgsql.NpgsqlDataReader row) => new(
        row.GetString(0),
        row.GetString(1),
        row.GetString(2),
        row.Maybe<short>(3) is { } interval ? (Interval)interval : null,
        new(row.GetInt64(4), row.GetString(5)));
}
