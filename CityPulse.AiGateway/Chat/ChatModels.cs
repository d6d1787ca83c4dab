using System.Text.Json;
using CityPulse.AiGateway.Models;

namespace CityPulse.AiGateway.Chat;

/// <summary>One turn of a conversation.</summary>
/// <param name="Message">1 to 8000 characters.</param>
/// <param name="ConversationId">Goes on with an earlier conversation of the caller; a new one without it.</param>
/// <param name="Model"><c>provider/model</c> or an alias.</param>
/// <param name="Stream">Answer as server-sent events.</param>
public sealed record ChatRequest(string? Message = null, Guid? ConversationId = null, string? Model = null, bool? Stream = null);

/// <param name="Fallbacks">The models that were asked before and did not answer.</param>
/// <param name="Citations">The addresses that give the answer's figures again.</param>
/// <param name="UnverifiedNumbers">Numbers of the answer that no tool gave.</param>
internal sealed record ChatAnswer(
    Guid ConversationId, ChatAnswerMessage Message, string Model, string Provider, TokenUsage Usage, IReadOnlyList<ToolCall> ToolCalls, string FinishReason,
    IReadOnlyList<Fallback> Fallbacks, IReadOnlyList<Citation> Citations, IReadOnlyList<double> UnverifiedNumbers);

internal sealed record ChatAnswerMessage(string Role, string Content);

/// <param name="InputTokens">As the provider counts them; the built-in assistant counts words.</param>
/// <param name="CostUsd">Null where the model's price is not known.</param>
internal sealed record TokenUsage(long InputTokens, long OutputTokens, decimal? CostUsd);

/// <param name="Arguments">What the model asked with.</param>
/// <param name="ResultSummary">One line of what came back.</param>
internal sealed record ToolCall(string Name, JsonElement Arguments, string ResultSummary);

/// <summary>Data of the SSE event <c>delta</c>.</summary>
internal sealed record ChatDelta(string Content);
