using System.Text.Json.Nodes;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace CityPulse.ServiceDefaults.Description;

/// <summary>Schemas of what our own converters read and write, which the generator cannot see into.</summary>
internal static class SchemaWords
{
    public static Task Apply(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var type = context.JsonTypeInfo.Type;
        var underlying = Nullable.GetUnderlyingType(type);
        var orNull = underlying is null ? 0 : JsonSchemaType.Null;
        if ((underlying ?? type) == typeof(DateTimeOffset))
        {
            schema.Type = JsonSchemaType.String | orNull;
            schema.Format = "date-time";
        }
        else if ((underlying ?? type) == typeof(Frontend))
        {
            schema.Type = JsonSchemaType.String | orNull;
            schema.Enum = [.. Enum.GetValues<Frontend>().Select(frontend => (JsonNode)FrontendNames.Of(frontend))];
        }

        return Task.CompletedTask;
    }
}
