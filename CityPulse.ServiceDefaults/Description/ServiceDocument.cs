using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Health;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CityPulse.ServiceDefaults.Description;

/// <summary>What every service's OpenAPI document says in the same way: who may call, and what may go wrong.</summary>
public static class ServiceDocument
{
    private const string Bearer = "bearer";
    private const string ApiKey = "apiKey";
    private const string ProblemSchema = "Problem";

    public static void DescribeAs(this OpenApiOptions options, string title, string description)
    {
        options.AddDocumentTransformer((document, context, _) => Describe(document, context, title, description));
        options.AddOperationTransformer(NameParameters);
        options.AddOperationTransformer(Secure);
        options.AddOperationTransformer(AddProblems);
        options.AddSchemaTransformer(SchemaWords.Apply);
    }

    private static Task Describe(OpenApiDocument document, OpenApiDocumentTransformerContext context, string title, string description)
    {
        document.Info = new OpenApiInfo
        {
            Title = title,
            Version = context.ApplicationServices.GetRequiredService<ServiceIdentity>().Version,
            Description = $"{description} Errors are RFC 9457 problem details with an errorId.",
        };
        // Relative, so that the document is true behind every host name.
        document.Servers = [new OpenApiServer { Url = "/" }];

        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [Bearer] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = "An access token from POST /api/v1/auth/login.",
            },
        };
        if (context.DescriptionGroups.SelectMany(g => g.Items).Any(call => IsForDevices(call.ActionDescriptor.EndpointMetadata)))
        {
            document.Components.SecuritySchemes[ApiKey] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = CityHeaders.ApiKey, Description = "A device's key; it may only ingest.",
            };
        }

        document.Components.Schemas ??= new Dictionary<string, IOpenApiSchema>();
        document.Components.Schemas[ProblemSchema] = Problem();
        return Task.CompletedTask;
    }

    /// <summary>Parameters bound together carry the names of their record's members; clients write them as they write JSON.</summary>
    private static Task NameParameters(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        foreach (var parameter in (operation.Parameters ?? []).OfType<OpenApiParameter>().Where(p => p.In == ParameterLocation.Query))
        {
            parameter.Name = JsonNamingPolicy.CamelCase.ConvertName(parameter.Name ?? "");
        }

        return Task.CompletedTask;
    }

    private static Task Secure(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        if (!metadata.OfType<IAllowAnonymous>().Any())
        {
            operation.Security = [Requirement(Bearer, context.Document)];
            if (IsForDevices(metadata))
            {
                operation.Security.Add(Requirement(ApiKey, context.Document));
            }
        }

        return Task.CompletedTask;
    }

    private static bool IsForDevices(IList<object> metadata) => metadata.OfType<IAuthorizeData>().Any(data => data.Policy == nameof(Permission.Ingest));

    private static OpenApiSecurityRequirement Requirement(string scheme, OpenApiDocument? document) =>
        new() { [new OpenApiSecuritySchemeReference(scheme, document)] = [] };

    /// <summary>What any call may answer beside what its own signature says.</summary>
    private static Task AddProblems(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var responses = operation.Responses ??= [];
        responses.TryAdd("400", Response("The request is not valid; errors says where.", context.Document));
        if (!metadata.OfType<IAllowAnonymous>().Any())
        {
            responses.TryAdd("401", Response("No access token, or one that is not valid.", context.Document));
            responses.TryAdd("403", Response("The role or the frontend does not allow it.", context.Document));
        }

        if (context.Description.RelativePath?.StartsWith("api/v1/", StringComparison.Ordinal) == true)
        {
            responses.TryAdd("429", Response("Too many requests; Retry-After says when to try again.", context.Document));
        }

        responses.TryAdd("default", Response("Anything else that went wrong.", context.Document));
        foreach (var (status, response) in responses)
        {
            // A handler's own refusals are the same problem details.
            if (status[0] is '4' or '5' && response is OpenApiResponse own && (own.Content is null || own.Content.Count == 0 || own.Content.ContainsKey("application/problem+json")))
            {
                own.Content = Content(context.Document);
            }
        }

        return Task.CompletedTask;
    }

    private static OpenApiResponse Response(string description, OpenApiDocument? document) =>
        new() { Description = description, Content = Content(document) };

    private static Dictionary<string, OpenApiMediaType> Content(OpenApiDocument? document) =>
        new() { ["application/problem+json"] = new OpenApiMediaType { Schema = new OpenApiSchemaReference(ProblemSchema, document) } };

    private static OpenApiSchema Problem() => new()
    {
        Type = JsonSchemaType.Object,
        Description = "RFC 9457 problem details.",
        Required = new HashSet<string> { "type", "title", "status", "errorId", "traceId" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = Text("What kind of problem it is."),
            ["title"] = Text("The same in words."),
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
            ["detail"] = Text("What it was this time."),
            ["instance"] = Text("The path that was asked for."),
            ["errorId"] = Text("Leads to the log; also in the header X-Error-Id."),
            ["traceId"] = Text("The W3C trace."),
            ["code"] = Text("The same in one word, where there are several reasons for a status."),
            ["errors"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "What is wrong, by the path in the body or the parameter's name.",
                AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.Array, Items = new OpenApiSchema { Type = JsonSchemaType.String } },
            },
        },
    };

    private static OpenApiSchema Text(string description) => new() { Type = JsonSchemaType.String, Description = description };
}
