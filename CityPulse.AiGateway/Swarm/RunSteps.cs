using CityPulse.AiGateway.Swarm.Domain;
using Npgsql;

namespace CityPulse.AiGateway.Swarm;

/// <summary>A step as it is stored.</summary>
/// <param name="Agent">Its number in the run's list.</param>
internal sealed record RunStep(
    int Index, int Agent, string Model, string Content, IReadOnlyList<SwarmToolCall> ToolCalls, string? HandOffTo, bool Concludes, long InputTokens, long OutputTokens,
    decimal? CostUsd, DateTimeOffset StartedAt, DateTimeOffset EndedAt)
{
    public StepFact ToFact() => new(Index, Agent, Content, HandOffTo, Concludes, CostUsd ?? 0);

    public StepResponse ToResponse(IReadOnlyList<AgentSpec> agents) => new(
        Index, agents[Agent].Name, Model, Content, ToolCalls, HandOffTo, new SwarmUsage(1, InputTokens, OutputTokens, CostUsd), StartedAt, EndedAt);
}

/// <summary>Reads steps.</summary>
internal static class RunSteps
{
    public const string Columns = "step_index, agent, model, content, tool_calls, hand_off_to, concludes, input_tokens, output_tokens, cost_usd, started_at, ended_at";

    public static RunStep Read(NpgsqlDataReader reader) => new(
        reader.GetInt32(0), reader.GetInt32(1), reader.GetString(2), reader.GetString(3), reader.ReadJson<List<SwarmToolCall>>(4), reader.ReadText(5),
        reader.GetBoolean(6), reader.GetInt64(7), reader.GetInt64(8), reader.ReadOptional<decimal>(9), reader.GetFieldValue<DateTimeOffset>(10),
        reader.GetFieldValue<DateTimeOffset>(11));
}
