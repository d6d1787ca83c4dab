using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Models;

/// <summary>What is around every model, the built-in one too: the bounded tool loop, and telemetry.</summary>
internal static class ModelPipeline
{
    public const string TelemetrySource = "CityPulse.AiGateway.Chat";

    /// <summary>
    /// No logger goes in, and sensitive data is off whatever the environment says: what people ask stays out of logs and traces.
    /// </summary>
    public static IChatClient Around(IChatClient client, AiOptions options) => new ChatClientBuilder(client)
        .Use(inner => new FunctionInvokingChatClient(inner)
        {
            MaximumIterationsPerRequest = options.MaxToolRounds,
            AllowConcurrentInvocation = false,
            IncludeDetailedErrors = false,
        })
        .UseOpenTelemetry(sourceName: TelemetrySource, configure: telemetry => telemetry.EnableSensitiveData = false)
        .Build();
}
