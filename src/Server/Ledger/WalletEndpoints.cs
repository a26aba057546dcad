using Microsoft.AspNetCore.Http.HttpResults;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Catalog;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

sealed record FreezeRequest
{
    public string? Reason { get; init; }
}

/// <summary>What a wallet holds and how it came about; and whether it is frozen.</summary>
static class WalletEndpoints
{
    public static void MapWallets(this IEndpointRouteBuilder routes)
    {
        var customer = routes.MapGroup("/v1/customers/{customer}").WithTags("Ledger");
        customer.MapGet("/balance", Balance).WithSummary("Read a balance").Produces<BalanceAnswer>();
        customer.MapGet("/entries", Entries).WithSummary("The ledger of a customer, newest first").Produces<Page<EntryAnswer>>();
        customer.MapGet("/grants", Grants).WithSummary("Grants in the order in which they burn; those that are spent come last")
            .Produces<Page<LotAnswer>>();
        customer.MapGet("/freeze", Freeze).WithSummary("Whether a customer is frozen").Produces<FreezeAnswer>();
        customer.MapPut("/freeze", PutFreeze).WithSummary("Freeze a customer: no charge, no hold; grants go in").Produces<FreezeAnswer>();
        customer.MapDelete("/freeze", DeleteFreeze).WithSummary("Thaw a customer").Produces<FreezeAnswer>();
    }

    static async Task<IResult> Balance(
        CustomerId customer, Db db, CurrentCatalog catalog, TimeProvider time, HttpContext http, CancellationToken ct) =>
        await db.Balance(customer, catalog, time.Now(), ct) is { } balance ? TypedResults.Ok(balance) : Unknown(http);

    static async Task<IResult> Entries(CustomerId customer, Db db, HttpContext http, CancellationToken ct)
    {
        var limit = Paging.Limit(http);
        var wallet = WalletId.Of(customer);
        var before = Paging.After<EntryId>(http, id => id.Wallet == wallet)?.Seq ?? long.MaxValue;
        if (!await db.Exists(customer, ct)) return Unknown(http);

        return TypedResults.Ok((await db.Entries(wallet, before, limit + 1, ct)).Page(limit));
    }

    static async Task<IResult> Grants(CustomerId customer, Db db, HttpContext http, CancellationToken ct)
    {
        var limit = Paging.Limit(http);
        var wallet = WalletId.Of(customer);
        var after = Paging.After<EntryId>(http, id => id.Wallet == wallet)?.Seq;
        if (!await db.Exists(customer, ct)) return Unknown(http);

        return TypedResults.Ok((await db.Lots(wallet, after, limit + 1, ct)).Page(limit));
    }

    static async Task<IResult> Freeze(CustomerId customer, Db db, HttpContext http, CancellationToken ct) =>
        await db.Freeze(customer, ct) is { } freeze ? TypedResults.Ok(freeze) : Unknown(http);

    static async Task<IResult> PutFreeze(
        CustomerId customer, FreezeRequest request, Db db, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var reason = Texts.Reason(request.Reason);
        var frozen = await db.SetFrozen(customer, time.Now(), reason, ct);
        return frozen ? TypedResults.Ok(await db.Freeze(customer, ct)) : Unknown(http);
    }

    static async Task<IResult> DeleteFreeze(CustomerId customer, Db db, HttpContext http, CancellationToken ct)
    {
        var thawed = await db.SetFrozen(customer, null, null, ct);
        return thawed ? TypedResults.Ok(await db.Freeze(customer, ct)) : Unknown(http);
    }

    static JsonHttpResult<ErrorBody> Unknown(HttpContext http) => Error.NotFound("customer").Answer(http);
}
