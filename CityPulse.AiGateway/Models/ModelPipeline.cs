using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Models;

/// <summary>What is around every model, the built-in one too: telemetry, and the bounded tool loop.</summary>
internal static class ModelPipeline
{
    public const string TelemetrySource = "CityPulse.AiGateway.Chat";

    /// <summary>
    /// No logger goes in, and sensitive data is off whatever the environment says: what people ask stays out of logs and traces.
    /// </summary>
    public static IChatClient Observed(IChatClient client) => new ChatClientBuilder(client)
        .UseOpenTelemetry(sourceName: TelemetrySource, configure: telemetry => telemetry.EnableSensitiveData = false)
        .Build();

    /// <summary>The tool loop of one turn.</summary>
    public static IChatClient WithTools(IChatClient client, AiOptions options) => new FunctionInvokingChatClient(client)
    {
        MaximumIterationsPerRequest = options.MaxToolRounds,
        // A model that cannot call a tool right is told so, round by round, and never becomes a fault of ours.
        MaximumConsecutiveErrorsPerRequest = int.MaxValue,
        AllowConcurrentInvocation = false,
        IncludeDetailedErrors = false,
    };
}
