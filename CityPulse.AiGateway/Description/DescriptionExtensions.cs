using Microsoft.OpenApi;

namespace CityPulse.AiGateway.Description;

/// <summary>Headers that handlers read for themselves.</summary>
internal static class DescriptionExtensions
{
    public static RouteHandlerBuilder DescribesHeader(this RouteHandlerBuilder builder, string name, string description) =>
        builder.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            operation.Describe(name, description);
            return Task.CompletedTask;
        });

    public static RouteHandlerBuilder AnswersWithHeader(this RouteHandlerBuilder builder, string status, string name, string description) =>
        builder.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            operation.DescribeAnswer(status, name, description);
            return Task.CompletedTask;
        });

    public static void Describe(this OpenApiOperation operation, string header, string description) => (operation.Parameters ??= []).Add(new OpenApiParameter
    {
        Name = header, In = ParameterLocation.Header, Description = description, Schema = new OpenApiSchema { Type = JsonSchemaType.String },
    });

    public static void DescribeAnswer(this OpenApiOperation operation, string status, string header, string description)
    {
        if (operation.Responses?.GetValueOrDefault(status) is OpenApiResponse response)
        {
            (response.Headers ??= new Dictionary<string, IOpenApiHeader>())[header] = new OpenApiHeader
            {
                Description = description, Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            };
        }
    }
}
