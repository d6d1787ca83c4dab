using CityPulse.ServiceDefaults.Description;
using Microsoft.AspNetCore.OpenApi;

namespace CityPulse.AiGateway.Description;

/// <summary>
/// What this service says of itself: at <c>/openapi/v1.json</c> as every service does, and at <c>/openapi/ai.json</c>, where the public
/// origin hands it on beside its own.
/// </summary>
internal static class ApiDescription
{
    private const string Title = "CityPulse: assistant and swarms";
    private const string Words = "Answers about the city from its own data, models behind OpenAI's protocol, what they cost, and agents who work together.";

    public static WebApplicationBuilder AddApiDescription(this WebApplicationBuilder builder)
    {
        builder.Services.AddOpenApi("v1", Describe);
        builder.Services.AddOpenApi("ai", Describe);
        return builder;
    }

    public static IEndpointRouteBuilder MapApiDescription(this IEndpointRouteBuilder app)
    {
        app.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous();
        return app;
    }

    private static void Describe(OpenApiOptions options)
    {
        options.DescribeAs(Title, Words);
        OperationWords.AddTo(options);
    }
}
