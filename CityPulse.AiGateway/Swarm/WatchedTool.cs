using System.Collections.Concurrent;
using System.Text.Json;
using CityPulse.AiGateway.Swarm.Domain;
using CityPulse.AiGateway.Tools;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Swarm;

/// <summary>What the tools of one turn did.</summary>
internal sealed class ToolLog
{
    public ConcurrentQueue<SwarmToolCall> Calls { get; } = new();

    /// <summary>The tool that was called once too often, or null.</summary>
    public string? Loop { get; set; }

    /// <summary>Whether Api took the caller's login no more.</summary>
    public bool LoginRefused { get; set; }

    public bool MustStop => Loop is not null || LoginRefused;
}

/// <summary>A tool of the city whose calls are noted down, and stopped when they go round in circles.</summary>
internal sealed class WatchedTool(AIFunction inner, int agent, LoopGuard guard, ToolLog log) : DelegatingAIFunction(inner)
{
    private const int Unauthorized = 401;

    protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
    {
        var given = JsonSerializer.SerializeToElement(arguments.ToDictionary(a => a.Key, a => a.Value), CityTools.Serializer);
        if (!guard.Allows(agent, Name, given))
        {
            log.Loop = Name;
            End();
            return new { error = "The same call was made before, with the same result." };
        }

        var result = await base.InvokeCoreAsync(arguments, cancellationToken);
        var json = result is JsonElement { ValueKind: JsonValueKind.Object } element ? element : default;
        log.Calls.Enqueue(new SwarmToolCall(Name, given, TextOf(json, "summary") ?? "done", TextOf(json, "source")));
        if (TextOf(json, "error") is not null && json.TryGetProperty("status", out var status) && status.ValueKind == JsonValueKind.Number && status.GetInt32() == Unauthorized)
        {
            log.LoginRefused = true;
            End();
        }

        return result;
    }

    /// <summary>The model is asked no more: whatever it said now would not count.</summary>
    private static void End()
    {
        if (FunctionInvokingChatClient.CurrentContext is { } context)
        {
            context.Terminate = true;
        }
    }

    private static string? TextOf(JsonElement json, string member) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
