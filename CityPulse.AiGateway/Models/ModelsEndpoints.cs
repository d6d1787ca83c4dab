using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Models;

internal sealed record ModelsResponse(IReadOnlyList<ModelInfo> Items);

internal static class ModelsEndpoints
{
    public static WebApplicationBuilder AddModels(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<AiOptions>().BindConfiguration(AiOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<AiOptions>, AiOptionsValidator>();
        services.AddSingleton<ModelCatalogue>();
        services.AddSingleton<ProviderClients>();
        services.AddSingleton<ModelSessions>();
        return builder;
    }

    public static IEndpointRouteBuilder MapModels(this IEndpointRouteBuilder app)
    {
        app.MapGet("/api/v1/ai/models", ListModels)
            .WithName("ListModels").WithSummary("Models that can be asked for.").WithTags("AI")
            .RequirePermission(Permission.UseAi);
        return app;
    }

    private static Ok<ModelsResponse> ListModels(ModelCatalogue catalogue) => TypedResults.Ok(new ModelsResponse(catalogue.Models));
}
