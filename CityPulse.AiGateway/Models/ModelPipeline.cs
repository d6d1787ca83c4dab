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
    public static IChatClient WithTools(IChatClient client, AiOptions options) => new ToolLoop(client, options);
}

/// <summary>Runs tools where there are some to run; a request without any, or with the client's own only, has nothing to loop for.</summary>
internal sealed class ToolLoop(IChatClient model, AiOptions limits) : DelegatingChatClient(model)
{
    private IChatClient? _loop;

    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        For(options).GetResponseAsync(messages, options, cancellationToken);

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        For(options).GetStreamingResponseAsync(messages, options, cancellationToken);

    private IChatClient For(ChatOptions? options) => options?.Tools is { Count: > 0 } tools && tools.Any(t => t is AIFunction) ? _loop ??= CreateLoop() : InnerClient;

    private FunctionInvokingChatClient CreateLoop() => new(InnerClient)
    {
        MaximumIterationsPerRequest = limits.MaxToolRounds,
        // A model that cannot call a tool right is told so, round by round, and never becomes a fault of ours.
        MaximumConsecutiveErrorsPerRequest = int.MaxValue,
        AllowConcurrentInvocation = false,
        IncludeDetailedErrors = false,
    };
}
