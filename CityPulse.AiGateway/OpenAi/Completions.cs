using System.Text.Json;
using System.Text.Json.Serialization;
using CityPulse.AiGateway.Chat;
using CityPulse.AiGateway.Models;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.OpenAi;

// Answers as OpenAI's clients read them.
internal sealed record Completion(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("object")] string Object,
    [property: JsonPropertyName("created")] long Created,
    [property: JsonPropertyName("model")] string Model,
    [property: JsonPropertyName("choices")] IReadOnlyList<CompletionChoice> Choices,
    [property: JsonPropertyName("usage")] CompletionUsage Usage,
    [property: JsonPropertyName("system_fingerprint")] string? SystemFingerprint,
    [property: JsonPropertyName("fallbacks"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<Fallback>? Fallbacks,
    [property: JsonPropertyName("citations"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<Citation>? Citations,
    [property: JsonPropertyName("unverifiedNumbers"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<double>? UnverifiedNumbers,
    [property: JsonPropertyName("cached"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Cached = false);

internal sealed record CompletionChoice(
    [property: JsonPropertyName("index")] int Index,
    [property: JsonPropertyName("message")] CompletionAnswer Message,
    [property: JsonPropertyName("logprobs")] object? Logprobs,
    [property: JsonPropertyName("finish_reason")] string FinishReason);

internal sealed record CompletionAnswer(
    [property: JsonPropertyName("role")] string Role,
    [property: JsonPropertyName("content")] string? Content,
    [property: JsonPropertyName("refusal")] string? Refusal,
    [property: JsonPropertyName("tool_calls"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<CompletionCall>? ToolCalls);

internal sealed record CompletionChunk(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("object")] string Object,
    [property: JsonPropertyName("created")] long Created,
    [property: JsonPropertyName("model")] string Model,
    [property: JsonPropertyName("choices")] IReadOnlyList<ChunkChoice> Choices,
    [property: JsonPropertyName("usage"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] CompletionUsage? Usage,
    [property: JsonPropertyName("citations"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<Citation>? Citations = null,
    [property: JsonPropertyName("unverifiedNumbers"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<double>? UnverifiedNumbers = null);

internal sealed record ChunkChoice(
    [property: JsonPropertyName("index")] int Index,
    [property: JsonPropertyName("delta")] ChunkDelta Delta,
    [property: JsonPropertyName("logprobs")] object? Logprobs,
    [property: JsonPropertyName("finish_reason")] string? FinishReason);

internal sealed record ChunkDelta(
    [property: JsonPropertyName("role"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role = null,
    [property: JsonPropertyName("content"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Content = null,
    [property: JsonPropertyName("tool_calls"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<CompletionCall>? ToolCalls = null);

/// <param name="Index">In streams only.</param>
internal sealed record CompletionCall(
    [property: JsonPropertyName("index"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Index,
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("type")] string Type,
    [property: JsonPropertyName("function")] CompletionCalled Function)
{
    public static CompletionCall Of(FunctionCallContent call, int? index = null) => new(
        index, call.CallId, "function", new CompletionCalled(call.Name, JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), Tools.CityTools.Serializer)));
}

internal sealed record CompletionCalled([property: JsonPropertyName("name")] string Name, [property: JsonPropertyName("arguments")] string Arguments);

internal sealed record CompletionUsage(
    [property: JsonPropertyName("prompt_tokens")] long PromptTokens,
    [property: JsonPropertyName("completion_tokens")] long CompletionTokens,
    [property: JsonPropertyName("total_tokens")] long TotalTokens)
{
    public static CompletionUsage Of(UsageDetails? usage) =>
        new(usage?.InputTokenCount ?? 0, usage?.OutputTokenCount ?? 0, (usage?.InputTokenCount ?? 0) + (usage?.OutputTokenCount ?? 0));
}

internal sealed record OpenAiModel(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("object")] string Object,
    [property: JsonPropertyName("created")] long Created,
    [property: JsonPropertyName("owned_by")] string OwnedBy);

internal sealed record OpenAiModelList([property: JsonPropertyName("object")] string Object, [property: JsonPropertyName("data")] IReadOnlyList<OpenAiModel> Data);

/// <summary>What the members of every part of one answer have in common.</summary>
/// <param name="asked">What the caller said.</param>
internal sealed class CompletionFrame(Guid id, DateTimeOffset at, IReadOnlyList<ChatMessage> asked)
{
    private readonly string _id = $"chatcmpl-{id:N}";
    private readonly long _created = at.ToUnixTimeSeconds();

    public Completion Whole(ChatResponse response, RoutedChatClient route)
    {
        if (response.Messages is [{ Contents: [TextContent { Text: { } words }] } only] && only.Role == ChatRole.Assistant)
        {
            return Whole(response, route, new CompletionAnswer("assistant", words, null, null), evidence: null);
        }

        var contents = response.Messages.SelectMany(m => m.Contents).ToList();
        var answered = contents.OfType<FunctionResultContent>().Select(r => r.CallId).ToHashSet();
        var calls = contents.OfType<FunctionCallContent>().Where(c => !answered.Contains(c.CallId)).Select(c => CompletionCall.Of(c)).ToList();
        var text = response.Messages.LastOrDefault(m => m.Role == ChatRole.Assistant)?.Text;
        var message = new CompletionAnswer("assistant", string.IsNullOrEmpty(text) && calls.Count > 0 ? null : text ?? "", null, calls.Count == 0 ? null : calls);
        return Whole(response, route, message, EvidenceOf(response, answered.Count > 0));
    }

    private Completion Whole(ChatResponse response, RoutedChatClient route, CompletionAnswer message, Evidence? evidence)
    {
        var hasCalls = message.ToolCalls is not null;
        return new Completion(
            _id, "chat.completion", _created, route.Model.Id, [new CompletionChoice(0, message, null, Finish(response.FinishReason, hasCalls))],
            CompletionUsage.Of(response.Usage), null, route.Fallbacks.Count == 0 ? null : route.Fallbacks, evidence?.Citations, evidence?.UnverifiedNumbers);
    }

    /// <summary>An answer that was given before.</summary>
    public Completion Again(KeptCompletion kept) => new(
        _id, "chat.completion", _created, kept.Model, [new CompletionChoice(0, new CompletionAnswer("assistant", kept.Content, null, null), null, kept.FinishReason)],
        new CompletionUsage(kept.PromptTokens, kept.CompletionTokens, kept.PromptTokens + kept.CompletionTokens), null, null, null, null, Cached: true);

    public CompletionChunk Part(RoutedChatClient route, ChunkDelta delta, string? finishReason = null) =>
        new(_id, "chat.completion.chunk", _created, route.Model.Id, [new ChunkChoice(0, delta, null, finishReason)], null);

    /// <summary>The last part, which says why it is the last, and where the city's figures come from.</summary>
    public CompletionChunk Last(RoutedChatClient route, ChatResponse response, bool hasCalls)
    {
        var evidence = EvidenceOf(response, response.Messages.Any(m => m.Contents.Any(c => c is FunctionResultContent)));
        return Part(route, new ChunkDelta(), Finish(response.FinishReason, hasCalls)) with
        {
            Citations = evidence?.Citations, UnverifiedNumbers = evidence?.UnverifiedNumbers,
        };
    }

    public CompletionChunk Usage(RoutedChatClient route, UsageDetails? usage) =>
        new(_id, "chat.completion.chunk", _created, route.Model.Id, [], CompletionUsage.Of(usage));

    /// <summary>Null where no tool of the city's was run: then there is nothing to trace figures to.</summary>
    private Evidence? EvidenceOf(ChatResponse response, bool hasRunTools) =>
        hasRunTools ? Evidence.Of(response, string.Join('\n', asked.Where(m => m.Role == ChatRole.User).Select(m => m.Text))) : null;

    private static string Finish(ChatFinishReason? reason, bool hasCalls) => hasCalls ? "tool_calls" : reason?.Value switch
    {
        "length" => "length",
        "content_filter" => "content_filter",
        _ => "stop",
    };
}
