using Microsoft.OpenApi;

namespace CityPulse.Api.Http;

/// <summary>What the slices' endpoints have in common, so that their route tables say only what is their own.</summary>
internal static class HttpConventions
{
    /// <summary>Bodies of single resources are small; only ingest takes more.</summary>
    public const int MaxBodyBytes = 256 * 1024;

    public static IServiceCollection AddHttpConventions(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton(new Cursors(ReadSecret(builder.Configuration)));
        services.AddHostedService<IdempotencyCleanup>();
        return services;
    }

    /// <summary>The refusals that an operation may answer with, for its description.</summary>
    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder builder, params ReadOnlySpan<int> statuses)
    {
        foreach (var status in statuses)
        {
            builder.ProducesProblem(status);
        }

        return builder.ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status403Forbidden);
    }

    /// <summary>Describes <c>If-None-Match</c> of a read.</summary>
    public static RouteHandlerBuilder ReadsConditionally(this RouteHandlerBuilder builder) => builder.AddOpenApiOperationTransformer((operation, _, _) =>
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(new OpenApiParameter
        {
            Name = "If-None-Match",
            In = ParameterLocation.Header,
            Description = "ETags that the caller has; 304 when one of them is still true.",
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        });
        return Task.CompletedTask;
    });

    /// <summary>Describes another form that a 200 may take; two forms of one status are more than result types can tell.</summary>
    public static RouteHandlerBuilder AlsoAnswers<T>(this RouteHandlerBuilder builder, string contentType) =>
        builder.AddOpenApiOperationTransformer(async (operation, context, cancellationToken) =>
        {
            if (operation.Responses?.GetValueOrDefault("200")?.Content is { } content)
            {
                content[contentType] = new OpenApiMediaType
                {
                    Schema = await context.GetOrCreateSchemaAsync(typeof(T), parameterDescription: null, cancellationToken),
                };
            }
        });

    private static byte[] ReadSecret(ConfigurationManager configuration)
    {
        const string Key = "Auth:KeyEncryptionKey";
        var secret = new byte[64];
        return Convert.TryFromBase64String(configuration[Key] ?? "", secret, out var length) && length >= 32
            ? secret[..length]
            : throw new InvalidOperationException($"{Key} must be at least 32 bytes in base64; page cursors are sealed with a key derived from it.");
    }
}
