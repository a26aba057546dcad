using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Platform;
using static Microsoft.AspNetCore.Http.TypedResults;

namespace Purser.Server.Identity;

sealed record CustomerRequest
{
    public string? Name { get; init; }
    public string? Email { get; init; }
    public Dictionary<string, string>? Metadata { get; init; }
}

sealed record CustomerAnswer(
    string Id, string? Name, string? Email, Dictionary<string, string> Metadata, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

static class CustomerEndpoints
{
    public const int LongestName = 200;
    public const int LongestEmail = 320;

    const int MostMetadata = 50;
    const int LongestMetadataKey = 40;
    const int LongestMetadataValue = 500;

    public static void MapCustomers(this IEndpointRouteBuilder routes)
    {
        var customers = routes.MapGroup("/v1/customers").WithTags("Customers");
        customers.MapPut("/{customer}", Put).WithSummary("Create or replace a customer");
        customers.MapGet("/{customer}", Get).WithSummary("Read a customer");
        customers.MapGet("/", List).WithSummary("List customers by id");
    }

    static async Task<Ok<CustomerAnswer>> Put(
        CustomerId customer, CustomerRequest request, Db db, TimeProvider time, CancellationToken ct)
    {
        var metadata = Checked(request.Metadata ?? []);
        var name = request.Name.Short("name", LongestName);
        var email = request.Email.Short("email", LongestEmail);
        var json = JsonSerializer.Serialize(metadata, IdentityJson.Default.DictionaryStringString);
        var now = time.Now();
        var wallet = WalletId.Of(customer);
        var row = await db.One($"""
            insert into customer (id, wallet_id, name, email, metadata, created_at, updated_at)
            values ({customer.Value}, {wallet.Value}, {name}, {email}, {json}, {now}, {now})
            on conflict (id) do update
            set name = excluded.name, email = excluded.email, metadata = excluded.metadata, updated_at = excluded.updated_at
            returning id, name, email, metadata, created_at, updated_at
            """, Read, ct);
        return Ok(row!);
    }

    static async Task<Results<Ok<CustomerAnswer>, JsonHttpResult<ErrorBody>>> Get(
        CustomerId customer, Db db, HttpContext http, CancellationToken ct) =>
        await db.One($"""
            select id, name, email, metadata, created_at, updated_at from customer where id = {customer.Value}
            """, Read, ct) is { } row
            ? Ok(row)
            : Error.NotFound("customer").Answer(http);

    static async Task<Ok<Page<CustomerAnswer>>> List(Db db, HttpContext http, CancellationToken ct)
    {
        var limit = Paging.Limit(http);
        var after = Paging.After(http) ?? "";
        var rows = await db.All($"""
            select id, name, email, metadata, created_at, updated_at from customer
            where id > {after} order by id limit {limit + 1}
            """, Read, ct);
        return Ok(rows.Page(limit));
    }

    static Dictionary<string, string> Checked(Dictionary<string, string> metadata)
    {
        if (metadata.Count > MostMetadata)
            throw new InvalidRequestException("metadata", $"'metadata' has at most {MostMetadata} members.");

        foreach (var (key, value) in metadata)
        {
            if (key.Length is 0 or > LongestMetadataKey || key.Contains('\0', StringComparison.Ordinal))
                throw new InvalidRequestException("metadata", $"A name in 'metadata' has 1 to {LongestMetadataKey} characters.");
            if (value is null || value.Length > LongestMetadataValue)
                throw new InvalidRequestException($"metadata.{key}", $"A value in 'metadata' is a text of at most {LongestMetadataValue} characters.");
        }

        return metadata;
    }

    static CustomerAnswer Read(NpgsqlDataReader row) => new(
        row.GetString(0),
        row.Text(1),
        row.Text(2),
        JsonSerializer.Deserialize(row.GetString(3), IdentityJson.Default.DictionaryStringString)!,
        row.GetInstant(4),
        row.GetInstant(5));
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CustomerRequest))]
[JsonSerializable(typeof(Page<CustomerAnswer>))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(ServerKeyRequest))]
[JsonSerializable(typeof(Page<ServerKeyAnswer>))]
[JsonSerializable(typeof(Discovery))]
[JsonSerializable(typeof(SwitchRequest))]
[JsonSerializable(typeof(Page<SwitchState>))]
[JsonSerializable(typeof(Page<AuditAnswer>))]
sealed partial class IdentityJson : JsonSerializerContext;
