using System.Text.Json;
using CityPulse.AiGateway.Swarm.Domain;

namespace CityPulse.AiGateway.Swarm;

/// <summary>A goal for a group of agents.</summary>
/// <param name="Goal">1 to 8000 characters.</param>
/// <param name="Agents">1 to 16; without it an analyst, an energy engineer, an alarm investigator and a reporter.</param>
/// <param name="MaxTurns">Steps of all agents together, 1 to 100.</param>
/// <param name="MaxCostUsd">No step begins when this much is spent.</param>
/// <param name="Stream">Answer with the run's events.</param>
public sealed record OrchestrateRequest(
    string? Goal = null, SwarmPattern? Pattern = null, IReadOnlyList<AgentRequest?>? Agents = null, int? MaxTurns = null, decimal? MaxCostUsd = null, bool? Stream = null);

/// <summary>An agent of one's own.</summary>
/// <param name="Name">1 to 64 characters, no two alike.</param>
/// <param name="Instructions">1 to 8000 characters.</param>
/// <param name="Model">An available one of <c>GET /api/v1/ai/models</c>, by id or alias.</param>
/// <param name="Tools">Names of the city's tools; without it all of them.</param>
public sealed record AgentRequest(string? Name = null, string? Instructions = null, string? Model = null, IReadOnlyList<string?>? Tools = null);

internal sealed record RunAccepted(Guid RunId, RunStatus Status);

internal sealed record RunPage(IReadOnlyList<RunItem> Items, string? NextCursor);

/// <param name="Id">The same as <c>runId</c>: resources of this API have an id, and the answer that started the run has a runId.</param>
internal sealed record RunItem(
    Guid Id, Guid RunId, RunStatus Status, string Goal, SwarmPattern Pattern, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt,
    SwarmUsage Usage, long Version);

internal sealed record RunResponse(
    Guid Id, Guid RunId, RunStatus Status, string Goal, SwarmPattern Pattern, IReadOnlyList<AgentSpec> Agents, int MaxTurns, decimal? MaxCostUsd,
    DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt, IReadOnlyList<StepResponse> Steps, string? Result, StopReason? StopReason,
    string? Error, SwarmUsage Usage, long Version);

/// <param name="Index">From 0; the same in the run's events.</param>
/// <param name="HandOffTo">The agent that goes on.</param>
internal record StepResponse(
    int Index, string Agent, string Model, string Content, IReadOnlyList<SwarmToolCall> ToolCalls, string? HandOffTo, SwarmUsage Usage,
    DateTimeOffset StartedAt, DateTimeOffset EndedAt);

/// <param name="ResultSummary">One line of what came back.</param>
/// <param name="Source">The address that gives the same figures again, where there is one.</param>
internal sealed record SwarmToolCall(string Name, JsonElement Arguments, string ResultSummary, string? Source);

/// <param name="CostUsd">Null where a model's price is not known.</param>
internal sealed record SwarmUsage(int Turns, long InputTokens, long OutputTokens, decimal? CostUsd);

/// <summary>Names of a run's events.</summary>
internal static class SwarmEvents
{
    /// <summary>A step is done and stored; <see cref="StepEvent"/>.</summary>
    public const string Step = "swarm.step";

    /// <summary>A piece of a step's text; <see cref="DeltaEvent"/>.</summary>
    public const string Delta = "swarm.delta";

    /// <summary>The last one; <see cref="FinishedEvent"/>.</summary>
    public const string Finished = "swarm.finished";
}

/// <summary>The step itself, and whose it is.</summary>
internal sealed record StepEvent : StepResponse
{
    public StepEvent(Guid runId, StepResponse step)
        : base(step) => RunId = runId;

    public Guid RunId { get; }
}

/// <param name="Attempt">Grows when a step is begun anew on another replica: what came of it before is void.</param>
internal sealed record DeltaEvent(Guid RunId, int StepIndex, string Agent, int Attempt, string Content);

internal sealed record FinishedEvent(Guid RunId, RunStatus Status, string? Result, StopReason? StopReason, string? Error, SwarmUsage Usage);
