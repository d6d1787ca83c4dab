using System.Text.Json;
using System.Text.Json.Serialization;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>
/// A request as OpenAI's clients send it. Members that are not here are options of that API which change nothing here, and are passed over.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
public sealed record ChatCompletionRequest
{
    /// <summary><c>provider/model</c> or an alias.</summary>
    [JsonPropertyName("model")] public string? Model { get; init; }

    [JsonPropertyName("messages")] public List<CompletionMessage?>? Messages { get; init; }

    [JsonPropertyName("stream")] public bool? Stream { get; init; }

    [JsonPropertyName("stream_options")] public CompletionStreamOptions? StreamOptions { get; init; }

    [JsonPropertyName("tools")] public List<CompletionTool?>? Tools { get; init; }

    /// <summary><c>none</c>, <c>auto</c>, <c>required</c>, or one function.</summary>
    [JsonPropertyName("tool_choice")] public JsonElement? ToolChoice { get; init; }

    [JsonPropertyName("parallel_tool_calls")] public bool? ParallelToolCalls { get; init; }

    [JsonPropertyName("max_tokens")] public int? MaxTokens { get; init; }

    [JsonPropertyName("max_completion_tokens")] public int? MaxCompletionTokens { get; init; }

    [JsonPropertyName("temperature")] public float? Temperature { get; init; }

    [JsonPropertyName("top_p")] public float? TopP { get; init; }

    [JsonPropertyName("presence_penalty")] public float? PresencePenalty { get; init; }

    [JsonPropertyName("frequency_penalty")] public float? FrequencyPenalty { get; init; }

    [JsonPropertyName("seed")] public long? Seed { get; init; }

    /// <summary>One text or up to four.</summary>
    [JsonPropertyName("stop")] public JsonElement? Stop { get; init; }

    [JsonPropertyName("response_format")] public JsonElement? ResponseFormat { get; init; }

    [JsonPropertyName("n")] public int? N { get; init; }
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
public sealed record CompletionStreamOptions
{
    [JsonPropertyName("include_usage")] public bool? IncludeUsage { get; init; }
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
public sealed record CompletionMessage
{
    /// <summary><c>system</c>, <c>developer</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>.</summary>
    [JsonPropertyName("role")] public string? Role { get; init; }

    /// <summary>A text, or a list of parts.</summary>
    [JsonPropertyName("content")] public CompletionContent? Content { get; init; }

    [JsonPropertyName("name")] public string? Name { get; init; }

    [JsonPropertyName("tool_calls")] public List<CompletionToolCall?>? ToolCalls { get; init; }

    [JsonPropertyName("tool_call_id")] public string? ToolCallId { get; init; }
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
public sealed record CompletionToolCall
{
    [JsonPropertyName("id")] public string? Id { get; init; }

    [JsonPropertyName("type")] public string? Type { get; init; }

    [JsonPropertyName("function")] public CompletionFunctionCall? Function { get; init; }
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
public sealed record CompletionFunctionCall
{
    [JsonPropertyName("name")] public string? Name { get; init; }

    [JsonPropertyName("arguments")] public string? Arguments { get; init; }
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
public sealed record CompletionTool
{
    [JsonPropertyName("type")] public string? Type { get; init; }

    [JsonPropertyName("function")] public CompletionFunction? Function { get; init; }
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
public sealed record CompletionFunction
{
    [JsonPropertyName("name")] public string? Name { get; init; }

    [JsonPropertyName("description")] public string? Description { get; init; }

    /// <summary>JSON schema; without one, a city's tool of that name is meant and run here.</summary>
    [JsonPropertyName("parameters")] public JsonElement? Parameters { get; init; }
}
