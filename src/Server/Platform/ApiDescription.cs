using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Purser.Core;

namespace Purser.Server.Platform;

/// <summary>The description of the API that clients are made from, and the page that shows it.</summary>
static class ApiDescription
{
    const string Key = "key";
    const string VirtualKey = "virtual_key";
    const string VirtualKeyHeader = "virtual_key_header";

    public static void AddApiDescription(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new() { Title = "Purser", Version = "v1", Description = Introduction };
            document.Components ??= new();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                [Key] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer" },
                [VirtualKey] = new OpenApiSecurityScheme
                {
                    Type = SecuritySchemeType.Http,
                    Scheme = "bearer",
                    Description = "A customer's key for AI calls: pvk_…",
                },
                [VirtualKeyHeader] = new OpenApiSecurityScheme
                {
                    Type = SecuritySchemeType.ApiKey,
                    In = ParameterLocation.Header,
                    Name = "x-api-key",
                    Description = "The same, where Anthropic's SDKs put it.",
                },
            };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(Describe);
        options.AddSchemaTransformer((schema, context, _) =>
        {
            Describe(schema, context);
            return Task.CompletedTask;
        });
    });

    public static void MapApiDescription(this WebApplication app)
    {
        app.MapOpenApi("/openapi/{documentName}.json").Public();
        app.UseSwaggerUI(page =>
        {
            page.RoutePrefix = "docs";
            page.DocumentTitle = "Purser API";
            page.SwaggerEndpoint("/openapi/v1.json", "Purser v1");
        });
    }

    // What our own converters read and write, the framework cannot see.
    static void Describe(OpenApiSchema schema, OpenApiSchemaTransformerContext context)
    {
        var type = Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) ?? context.JsonTypeInfo.Type;
        if (type == typeof(Credits))
        {
            schema.Type = JsonSchemaType.Number;
            schema.Description = "Credits, with at most six decimals.";
        }
        else if (type == typeof(string) || type == typeof(DateTimeOffset))
        {
            schema.Type = JsonSchemaType.String;
            if (context.JsonPropertyInfo is { IsGetNullable: true }) schema.Type |= JsonSchemaType.Null;
        }
        else if (type == typeof(decimal))
        {
            // Not the double it says.
            schema.Format = null;
        }

        // What is null is left out of an answer.
        foreach (var property in context.JsonTypeInfo.Properties)
            if (property.IsGetNullable && !IsAlwaysWritten(property)) schema.Required?.Remove(property.Name);
    }

    static bool IsAlwaysWritten(JsonPropertyInfo property) =>
        property.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: true)
            is [JsonIgnoreAttribute { Condition: JsonIgnoreCondition.Never }];

    static async Task Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        operation.Parameters ??= [];
        operation.Responses ??= [];
        if (metadata.OfType<ForeignRoute>().FirstOrDefault() is { } foreign)
        {
            Describe(operation, foreign, context);
            return;
        }

        if (!metadata.OfType<PublicRoute>().Any()) operation.Security = [Secured(Key, context)];
        foreach (var query in metadata.OfType<QueryParameter>())
            operation.Parameters.Add(Parameter(query.Name, ParameterLocation.Query, query.Meaning));
        foreach (var parameter in operation.Parameters.OfType<OpenApiParameter>())
            if (parameter.In == ParameterLocation.Path) parameter.Schema = new OpenApiSchema { Type = JsonSchemaType.String };
        if (HttpMethods.IsPost(context.Description.HttpMethod ?? ""))
        {
            operation.Parameters.Add(Parameter(
                "Idempotency-Key",
                ParameterLocation.Header,
                "1 to 255 characters; a retry with the same key answers as the first time."));
        }

        if (IsList(operation))
        {
            operation.Parameters.Add(Parameter("limit", ParameterLocation.Query, "1 to 500, usually 50."));
            operation.Parameters.Add(Parameter("after", ParameterLocation.Query, "The id of the last one that was read."));
        }

        operation.Responses["default"] = new OpenApiResponse
        {
            Description = "An error",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["application/json"] = new() { Schema = await Error(context, ct) },
            },
        };
    }

    static void Describe(OpenApiOperation operation, ForeignRoute route, OpenApiOperationTransformerContext context)
    {
        operation.Security = [Secured(VirtualKey, context), Secured(VirtualKeyHeader, context)];
        operation.ExternalDocs = new() { Url = new(route.Documentation) };
        operation.Description = $"In and out as {route.Documentation} says, errors included.";
        if (route.Accepts is { } type) operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Anything(type) };
        operation.Responses!["200"] = new OpenApiResponse
        {
            Description = "The answer, or the events of a stream",
            Content = Anything("application/json"),
            Headers = route.Headers.ToDictionary(
                header => header.Name,
                IOpenApiHeader (header) => new OpenApiHeader
                {
                    Description = header.Meaning,
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                }),
        };
        operation.Responses["default"] = new OpenApiResponse { Description = "An error, as that API words it", Content = Anything("application/json") };
    }

    static Dictionary<string, OpenApiMediaType> Anything(string type) =>
        new() { [type] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.Object } } };

    static OpenApiSecurityRequirement Secured(string by, OpenApiOperationTransformerContext context) =>
        new() { [new OpenApiSecuritySchemeReference(by, context.Document)] = [] };

    static async Task<IOpenApiSchema> Error(OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var schema = await context.GetOrCreateSchemaAsync(typeof(ErrorBody), parameterDescription: null, ct);
        context.Document!.AddComponent(nameof(ErrorBody), schema);
        return new OpenApiSchemaReference(nameof(ErrorBody), context.Document);
    }

    static bool IsList(OpenApiOperation operation)
    {
        var contents = operation.Responses?.Values.SelectMany(response => response.Content?.Values ?? []) ?? [];
        return contents.Any(content => content.Schema is OpenApiSchemaReference { Reference.Id: { } id }
            && id.StartsWith("PageOf", StringComparison.Ordinal));
    }

    static OpenApiParameter Parameter(string name, ParameterLocation place, string description) => new()
    {
        Name = name,
        In = place,
        Description = description,
        Schema = new OpenApiSchema { Type = JsonSchemaType.String },
    };

    const string Introduction = """
        Credits, payments and AI calls of the customers of one product. Every call takes `Authorization: Bearer KEY`.
        Every POST takes an `Idempotency-Key`, for ever: a retry answers as the first time, with `Idempotency-Replayed: true`.
        Errors are `{"error":{"type","code","message","param"?,"request_id"}}`.
        """;
}
