using CityPulse.AiGateway.Local;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.AI;
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
        services.AddKeyedSingleton(ModelCatalogue.LocalProvider, (provider, _) =>
            ModelPipeline.Around(new CityAssistant(provider.GetRequiredService<TimeProvider>()), Options(provider)));
        services.AddKeyedSingleton(ModelCatalogue.OpenAiProvider, (provider, _) =>
            ModelPipeline.Around(OpenAiClients.Create(Options(provider).Providers.OpenAi), Options(provider)));
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

    private static AiOptions Options(IServiceProvider provider) => provider.GetRequiredService<IOptions<AiOptions>>().Value;
}
