using System.Security.Cryptography;
using CityPulse.ServiceDefaults.Description;
using Scalar.AspNetCore;

namespace CityPulse.Api.Edge;

/// <summary>The OpenAPI document at <c>/openapi/v1.json</c>, and the page that shows it and the AI gateway's, <c>/docs</c>.</summary>
internal static class ApiDescription
{
    public static void AddApiDescription(this WebApplicationBuilder builder) => builder.Services.AddOpenApi("v1", options => options.DescribeAs(
        "CityPulse", "Meters, sensors and buildings of a city: what they measured, what it means, and what is wrong."));

    public static void MapApiDescription(this WebApplication app)
    {
        app.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous();
        app.MapScalarApiReference("/docs", (options, context) =>
        {
            // The page's own scripts are on this origin. Its styles are made at run time; nothing is fetched from elsewhere.
            var nonce = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
            context.Response.Headers.ContentSecurityPolicy =
                $"default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
                + "font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'";
            options.WithTitle("CityPulse API")
                .AddDocument("v1", "The city", "/openapi/v1.json")
                .AddDocument("ai", "Assistant and swarms", "/openapi/ai.json")
                .WithNonce(nonce)
                .DisableDefaultFonts()
                .DisableTelemetry()
                .HideDeveloperTools()
                .HideClientButton()
                .DisableAgent()
                .DisableMcp();
        }).AllowAnonymous();
    }
}
