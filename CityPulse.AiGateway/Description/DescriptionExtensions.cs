using Microsoft.OpenApi;

namespace CityPulse.AiGateway.Description;

/// <summary>Headers that handlers read for themselves.</summary>
internal static class DescriptionExtensions
{
    public static RouteHandlerBuilder DescribesHeader(this RouteHandlerBuilder builder, string name, string description) =>
        builder.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            (operation.Parameters ??= []).Add(new OpenApiParameter
            {
                Name = name, In = ParameterLocation.Header, Description = description, Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            });
            return Task.CompletedTask;
        });

    /// <summary>An answer with an ETag, which a reader need not get twice.</summary>
    public static RouteHandlerBuilder ReadsConditionally(this RouteHandlerBuilder builder) => builder
        .Produces(StatusCodes.Status304NotModified)
        .DescribesHeader("If-None-Match", "ETags that the caller has; 304 when one of them is still true.")
        .AnswersWithHeader("200", "ETag", "Of the answer's bytes.");

    public static RouteHandlerBuilder AnswersWithHeader(this RouteHandlerBuilder builder, string status, string name, string description) =>
        builder.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            if (operation.Responses?.GetValueOrDefault(status) is OpenApiResponse response)
            {
                (response.Headers ??= new Dictionary<string, IOpenApiHeader>())[name] = new OpenApiHeader
                {
                    Description = description, Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                };
            }

            return Task.CompletedTask;
        });
}
