using Microsoft.AspNetCore.Http.HttpResults;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Catalog;
using Purser.Server.Ledger;
using Purser.Server.Platform;
using static Microsoft.AspNetCore.Http.TypedResults;

namespace Purser.Server.Gateway;

sealed record BudgetRequest
{
    public Credits? Amount { get; init; }
    public string? Period { get; init; }
}

sealed record VirtualKeyRequest
{
    public string? Name { get; init; }
    public BudgetRequest? Budget { get; init; }
    public List<string>? Models { get; init; }
    public int? RequestsPerMinute { get; init; }
    public long? TokensPerMinute { get; init; }
}

/// <param name="Used">Of this period; what is held for calls under way is not in it.</param>
sealed record BudgetAnswer(Credits Amount, string Period, Credits Used, Credits Held, Credits Left);

/// <param name="Key">Shown once, when the key is made.</param>
sealed record VirtualKeyAnswer(
    string Id, string Customer, string? Name, BudgetAnswer? Budget, IReadOnlyList<string>? Models, int? RequestsPerMinute, long? TokensPerMinute,
    DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt, string? Key);

static class VirtualKeyEndpoints
{
    const int LongestName = 100;
    const int MostModels = 200;
    const int MostRequests = 1_000_000;
    const long MostTokens = 1_000_000_000;

    public static void MapVirtualKeys(this IEndpointRouteBuilder routes)
    {
        var v1 = routes.MapGroup("/v1").WithTags("Gateway");
        v1.MapPost("/customers/{customer}/keys", Create).Once().WithSummary("Make a key for the gateway; it is shown once")
            .Produces<VirtualKeyAnswer>(StatusCodes.Status201Created);
        v1.MapGet("/customers/{customer}/keys", List).WithSummary("List a customer's keys for the gateway, the oldest first")
            .Produces<Page<VirtualKeyAnswer>>();
        v1.MapDelete("/keys/{key}", Revoke).WithSummary("Revoke a key for the gateway, at once and on every server");
    }

    static async Task<IResult> Create(
        CustomerId customer, VirtualKeyRequest request, CurrentCatalog catalog, Db db, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var limit = Limit(request.Budget);
        var models = Models(request.Models, catalog);
        var name = request.Name.Short("name", LongestName);
        InRange("requests_per_minute", request.RequestsPerMinute, MostRequests);
        InRange("tokens_per_minute", request.TokensPerMinute, MostTokens);
        if (!await db.Exists(customer, ct)) return Error.NotFound("customer").Answer(http);

        var now = time.Now();
        var key = VirtualKeys.Make();
        var made = new VirtualKey(
            Id<VirtualKey>.New(now), customer, name, models, request.RequestsPerMinute, request.TokensPerMinute, now, RevokedAt: null);
        await db.Transact(async tx =>
        {
            await tx.OpenBudget(made.Wallet, made.Budget, limit?.Period ?? BudgetPeriod.Total, limit?.Amount, now, ct);
            return await tx.Run($"""
                insert into virtual_key (id, customer, hash, name, models, requests_per_minute, tokens_per_minute, created_at)
                values ({made.Id}, {customer.Value}, {VirtualKeys.Hashed(key)}, {name}, {models}, {made.RequestsPerMinute},
                  {made.TokensPerMinute}, {now})
                """, ct);
        }, ct);
        var budget = await db.BudgetOf(made.Wallet, made.Budget, ct);
        return TypedResults.Created((string?)null, Answer(made, budget, now) with { Key = key });
    }

    static async Task<IResult> List(CustomerId customer, Db db, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var limit = Paging.Limit(http);
        var after = Paging.After<Id<VirtualKey>>(http)?.Value ?? Guid.Empty;
        var keys = await db.All($"""
            select id, customer, name, models, requests_per_minute, tokens_per_minute, created_at, revoked_at
            from virtual_key where customer = {customer.Value} and id > {after} order by id limit {limit + 1}
            """, VirtualKeys.Of, ct);
        var now = time.Now();
        var answers = new List<VirtualKeyAnswer>(keys.Count);
        foreach (var key in keys) answers.Add(Answer(key, await db.BudgetOf(key.Wallet, key.Budget, ct), now));
        return Ok(answers.Page(limit));
    }

    static async Task<Results<NoContent, JsonHttpResult<ErrorBody>>> Revoke(
        Id<VirtualKey> key, Db db, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var now = time.Now();
        var revoked = await db.Transact(async tx =>
        {
            var found = await tx.One($"""
                update virtual_key set revoked_at = coalesce(revoked_at, {now}) where id = {key}
                returning id, customer, name, models, requests_per_minute, tokens_per_minute, created_at, revoked_at
                """, VirtualKeys.Of, ct);
            if (found is not null) await tx.CloseBudget(found.Wallet, found.Budget, now, ct);
            return found;
        }, ct);
        return revoked is null ? Error.NotFound("key").Answer(http) : NoContent();
    }

    static (Credits Amount, BudgetPeriod Period)? Limit(BudgetRequest? budget)
    {
        if (budget is null) return null;

        var amount = budget.Amount.Needed("budget.amount");
        if (amount <= Credits.Zero) throw new InvalidRequestException("budget.amount", "'budget.amount' must be more than zero.");

        var period = Names.Parse<BudgetPeriod>(budget.Period.Needed("budget.period"))
            ?? throw new InvalidRequestException("budget.period", "'budget.period' is day, month or total.");
        return (amount, period);
    }

    /// <summary>Under their full names, whatever name they were given by.</summary>
    static string[]? Models(List<string>? names, CurrentCatalog catalog)
    {
        if (names is null) return null;
        if (names.Count is 0 or > MostModels) throw new InvalidRequestException("models", $"'models' has 1 to {MostModels} members.");

        return
        [
            .. names.Select((name, at) => name is not null && catalog.Rates.Model(name) is { } card
                ? card.Rate.FullName
                : throw new InvalidRequestException($"models[{at}]", $"The catalog has no model '{name}'.")).Distinct(),
        ];
    }

    static void InRange(string param, long? number, long most)
    {
        if (number is <= 0 || number > most) throw new InvalidRequestException(param, $"'{param}' is a number from 1 to {most}.");
    }

    static VirtualKeyAnswer Answer(VirtualKey key, Budget? budget, DateTimeOffset now) => new(
        key.Id.ToString(), key.Customer.Value, key.Name, budget is null ? null : Answer(budget, now), key.Models, key.RequestsPerMinute,
        key.TokensPerMinute, key.CreatedAt, key.RevokedAt, Key: null);

    static BudgetAnswer? Answer(Budget budget, DateTimeOffset now)
    {
        var current = budget.AsOf(now);
        return current is { Amount: { } amount, Left: { } left }
            ? new(amount, Names.Of(current.Period), current.Used, current.Held, left)
            : null;
    }
}
