using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>Which parts of the API there are here; section <c>Features</c>.</summary>
public sealed class FeatureOptions
{
    public const string Section = "Features";

    /// <summary>Also <c>CITYPULSE_ENABLED</c>.</summary>
    public bool CityPulse { get; set; } = true;

    /// <summary>Also <c>AI_MODELS_ENABLED</c>.</summary>
    public bool Ai { get; set; } = true;

    /// <summary>Without models there is nobody to be in a swarm, so <c>AI_MODELS_ENABLED=false</c> switches it off too.</summary>
    public bool Swarm { get; set; } = true;

    /// <summary>Also <c>WEBSOCKET_ENABLED</c>.</summary>
    public bool Realtime { get; set; } = true;

    /// <summary>Whether what lies at a path is there. What belongs to no feature always is.</summary>
    public bool Serves(PathString path) =>
        path.StartsWithSegments("/api/v1/citypulse") || path.StartsWithSegments("/graphql") ? CityPulse
        : path.StartsWithSegments("/api/v1/ai") ? Ai
        : path.StartsWithSegments("/api/v1/swarm") ? Swarm
        : !path.StartsWithSegments("/ws") || Realtime;
}

internal sealed class FeatureSetup(IConfiguration configuration) : IConfigureOptions<FeatureOptions>
{
    public void Configure(FeatureOptions options)
    {
        options.CityPulse = configuration.GetSwitch("CITYPULSE_ENABLED") ?? Own(nameof(FeatureOptions.CityPulse)) ?? options.CityPulse;
        options.Realtime = configuration.GetSwitch("WEBSOCKET_ENABLED") ?? Own(nameof(FeatureOptions.Realtime)) ?? options.Realtime;
        var models = configuration.GetSwitch("AI_MODELS_ENABLED");
        options.Ai = models ?? Own(nameof(FeatureOptions.Ai)) ?? options.Ai;
        options.Swarm = models is not false && (Own(nameof(FeatureOptions.Swarm)) ?? options.Swarm);
    }

    private bool? Own(string feature) => configuration.GetSwitch($"{FeatureOptions.Section}:{feature}");
}

internal static class FeatureSwitches
{
    public static void AddFeatureSwitches(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<FeatureOptions>().ValidateOnStart();
        builder.Services.AddSingleton<IConfigureOptions<FeatureOptions>, FeatureSetup>();
    }

    /// <summary>What is switched off is not there, for whomever, at the edge and in the service itself.</summary>
    public static void UseFeatureSwitches(this WebApplication app)
    {
        var features = app.Services.GetRequiredService<IOptions<FeatureOptions>>().Value;
        if (features is { CityPulse: true, Ai: true, Swarm: true, Realtime: true })
        {
            return;
        }

        app.Use((context, next) => features.Serves(context.Request.Path)
            ? next(context)
            : Problems.Of(StatusCodes.Status404NotFound, "This part of the API is switched off here.").ExecuteAsync(context));
    }
}
