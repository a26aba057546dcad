using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Purser.Core;

namespace Purser.Server.Platform;

/// <summary>The description of the API that clients are made from, and the page that shows it.</summary>
static class ApiDescription
{
    public static void AddApiDescription(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new() { Title = "Purser", Version = "v1", Description = Introduction };
            document.Components ??= new();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                ["key"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer" },
            };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(Describe);
        options.AddSchemaTransformer((schema, context, _) =>
        {
            if (context.JsonTypeInfo.Type == typeof(Credits) || context.JsonTypeInfo.Type == typeof(Credits?))
            {
                schema.Type = JsonSchemaType.Number;
                schema.Description = "Credits, with at most six decimals.";
            }

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

    static Task Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        if (!metadata.OfType<PublicRoute>().Any())
            operation.Security = [new() { [new OpenApiSecuritySchemeReference("key", context.Document)] = [] }];

        operation.Parameters ??= [];
        foreach (var parameter in operation.Parameters.OfType<OpenApiParameter>())
            if (parameter.In == ParameterLocation.Path) parameter.Schema = new OpenApiSchema { Type = JsonSchemaType.String };
        if (HttpMethods.IsPost(context.Description.HttpMethod ?? ""))
            operation.Parameters.Add(Parameter("Idempotency-Key", ParameterLocation.Header, "1 to 255 characters; a retry with the same key answers as the first time."));
        if (IsList(operation))
        {
            operation.Parameters.Add(Parameter("limit", ParameterLocation.Query, "1 to 500, usually 50."));
            operation.Parameters.Add(Parameter("after", ParameterLocation.Query, "The id of the last one that was read."));
        }

        return Task.CompletedTask;
    }

    static bool IsList(OpenApiOperation operation) =>
        operation.Responses?.Values.Any(response =>
            response.Content?.Values.Any(content => content.Schema is OpenApiSchemaReference { Reference.Id: { } id } && id.StartsWith("PageOf", StringComparison.Ordinal)) == true) == true;

    static OpenApiParameter Parameter(string name, ParameterLocation place, string description) => new()
    {
        Name = name,
        In = place,
        Description = description,
        Schema = new OpenApiSchema { Type = JsonSchemaType.String },
    };

    const string Introduction = """
        Credits, charges and holds of the customers of one product. Every call takes `Authorization: Bearer KEY`.
        Every POST takes an `Idempotency-Key`, for ever: a retry answers as the first time, with `Idempotency-Replayed: true`.
        Errors are `{"error":{"type","code","message","param"?,"request_id"}}`.
        """;
}
