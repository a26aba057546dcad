using Purser.Core;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>
/// One customer at Stripe for each of ours and each mode: created once, under a lock and with a key that was saved
/// before. Nobody is ever looked up by an e-mail address.
/// </summary>
sealed class StripeCustomers(StripeClient stripe, Db db, TimeProvider time)
{
    sealed record Link(string? StripeId, Guid Key, string? Name, string? Email);

    sealed record Owner(CustomerId Customer);

    /// <summary>The customer's id at Stripe; null where we do not know the customer.</summary>
    public async Task<string?> Of(CustomerId customer, CancellationToken ct)
    {
        if (await Find(customer, ct) is { } known) return known;

        await db.Run($"""
            insert into stripe_customer (customer, livemode, key, created_at)
            select id, {stripe.Livemode}, {Guid.CreateVersion7()}, {time.Now()} from customer where id = {customer.Value}
            on conflict do nothing
            """, ct);
        return await db.Transact(tx => Create(tx, customer, ct), ct);
    }

    /// <summary>The customer's id at Stripe, if it has been there.</summary>
    public async Task<string?> Find(CustomerId customer, CancellationToken ct) => (await db.One($"""
        select stripe_id from stripe_customer
        where customer = {customer.Value} and livemode = {stripe.Livemode} and stripe_id is not null
        """, row => row.GetString(0), ct));

    public async Task<CustomerId?> Whose(string stripeId, CancellationToken ct) => (await db.One($"""
        select customer from stripe_customer where stripe_id = {stripeId} and livemode = {stripe.Livemode}
        """, row => new Owner(CustomerId.Parse(row.GetString(0), null)), ct))?.Customer;

    /// <summary>The one at Stripe was deleted there: the next call makes another, under another key.</summary>
    public Task Forget(string stripeId, CancellationToken ct) => db.Run($"""
        update stripe_customer set stripe_id = null, key = {Guid.CreateVersion7()}
        where stripe_id = {stripeId} and livemode = {stripe.Livemode}
        """, ct);

    /// <summary>
    /// Runs a call that names the customer. If Stripe says that there is no such customer any more, a new one is made
    /// and the call is run once more.
    /// </summary>
    public async Task<T> With<T>(CustomerId customer, Func<string, Task<T>> call, CancellationToken ct)
    {
        var id = await Of(customer, ct) ?? throw new InvalidOperationException($"{customer} is gone.");
        try
        {
            return await call(id);
        }
        catch (StripeException e) when (e is { Fault: StripeFault.Missing, Param: "customer" } || IsDeleted(e))
        {
            await Forget(id, ct);
            return await call(await Of(customer, ct) ?? throw new InvalidOperationException($"{customer} is gone."));
        }
    }

    // Of a customer that was deleted Stripe does not always say that it is missing.
    static bool IsDeleted(StripeException e) => e.Fault == StripeFault.Invalid && e.Param == "customer"
        && e.Said.Contains("deleted", StringComparison.OrdinalIgnoreCase);

    async Task<string?> Create(Tx tx, CustomerId customer, CancellationToken ct)
    {
        var link = await tx.One($"""
            select s.stripe_id, s.key, c.name, c.email
            from stripe_customer s join customer c on c.id = s.customer
            where s.customer = {customer.Value} and s.livemode = {stripe.Livemode}
            for update of s
            """, row => new Link(row.Text(0), row.GetGuid(1), row.Text(2), row.Text(3)), ct);
        if (link is not { StripeId: null }) return link?.StripeId;

        var created = await stripe.Post(
            "/v1/customers",
            new StripeForm
            {
                { "name", link.Name },
                { "email", link.Email },
                { "metadata[purser_customer]", customer.Value },
            },
            $"purser-customer-{link.Key:N}",
            ct);
        await tx.Run($"""
            update stripe_customer set stripe_id = {created.Id}
            where customer = {customer.Value} and livemode = {stripe.Livemode}
            """, ct);
        return created.Id;
    }
}
