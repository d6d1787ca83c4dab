using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace CityPulse.AppHost;

/// <summary>What can be chosen when the application is started; a wrong value is refused with a sentence.</summary>
internal sealed record Settings
{
    /// <summary>The documented password of the demo users; they exist in Development only.</summary>
    private const string DevelopmentPassword = "CityPulse-demo-2026";

    private static readonly Dictionary<string, int> DevelopmentLimits = new()
    {
        ["auth"] = 1_000, ["ai"] = 1_000, ["swarm"] = 1_000, ["citypulse"] = 10_000, ["ingest"] = 10_000,
    };

    /// <summary>Port of the edge.</summary>
    public required int Port { get; init; }

    /// <summary>Where the embedded stores keep their data, and the generated secrets.</summary>
    public required string DataFolder { get; init; }

    /// <summary>Load the sample city and play it as a live feed.</summary>
    public required bool Sample { get; init; }

    /// <summary>Null outside Development.</summary>
    public string? DemoPassword { get; init; }

    /// <summary>The key of a model provider is optional; the manifest offers it, a run passes it on when it is there.</summary>
    public required bool DescribesModelKey { get; init; }

    /// <summary>
    /// Requests in 15 minutes by tier, where the defaults would stand in a developer's way: the sample loader, the console and whatever
    /// is being tried all come from one address, and mostly as one user. Empty elsewhere, and as soon as anything is said about limits.
    /// </summary>
    public IReadOnlyDictionary<string, int> Limits { get; private init; } = new Dictionary<string, int>();

    /// <summary>Processes of each service.</summary>
    public required Func<string, int> Replicas { get; init; }

    /// <summary><c>--no-sample</c> has no value, which the configuration of .NET cannot read.</summary>
    public static string[] Normalize(string[] args) => [.. args.Select(arg => arg == "--no-sample" ? "--Sample=false" : arg)];

    public static Settings Read(IDistributedApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        var isDevelopmentRun = builder.ExecutionContext.IsRunMode && builder.Environment.IsDevelopment();
        var settings = new Settings
        {
            Port = Number(configuration, "Port", 8001, 1, 65535),
            DataFolder = Path.GetFullPath(configuration["DataFolder"] ?? Path.Combine(builder.AppHostDirectory, "..", ".citypulse")),
            Sample = isDevelopmentRun && Flag(configuration, "Sample", true),
            DemoPassword = isDevelopmentRun ? configuration["Demo:Password"] ?? DevelopmentPassword : null,
            DescribesModelKey = builder.ExecutionContext.IsPublishMode || !string.IsNullOrEmpty(configuration["Parameters:openai-api-key"]),
            Limits = isDevelopmentRun && string.IsNullOrEmpty(configuration["RATE_LIMITING_ENABLED"]) && !configuration.GetSection("RateLimiting").GetChildren().Any()
                ? DevelopmentLimits
                : new Dictionary<string, int>(),
            Replicas = service => Number(configuration, $"Replicas:{service}", 1, 1, 32),
        };
        if (builder.ExecutionContext.IsRunMode)
        {
            LocalSecrets.AddTo(configuration, settings.DataFolder);
        }

        if (settings.DemoPassword is { } password)
        {
            configuration["StartupNotes:logins"] =
                $"Demo logins (Development only), password {password}:\n"
                + "  admin@demo.citypulse.local  manager@demo.citypulse.local  user@demo.citypulse.local";
        }

        return settings;
    }

    private static int Number(ConfigurationManager configuration, string key, int otherwise, int least, int most)
    {
        if (configuration[key] is not { Length: > 0 } text)
        {
            return otherwise;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new DistributedApplicationException($"{key} must be a whole number from {least} to {most}, but is '{text}'.");
    }

    private static bool Flag(ConfigurationManager configuration, string key, bool otherwise) => configuration[key] switch
    {
        null or "" => otherwise,
        var text when bool.TryParse(text, out var flag) => flag,
        var text => throw new DistributedApplicationException($"{key} must be true or false, but is '{text}'."),
    };
}
