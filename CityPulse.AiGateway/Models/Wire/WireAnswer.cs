using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Models.Wire;

/// <summary>Reads answers of OpenAI's chat completions: one in one piece, or one chunk by chunk.</summary>
internal sealed class WireAnswer
{
    private SortedDictionary<int, Call>? _calls;

    /// <summary>Whether the stream has said that it is over.</summary>
    public bool IsDone { get; private set; }

    /// <exception cref="JsonException">It is no such answer.</exception>
    public static ChatResponse Whole(JsonElement json)
    {
        ThrowIfError(json);
        if (Member(json, "choices"u8, JsonValueKind.Array) is not { } choices || choices.GetArrayLength() == 0
            || Member(choices[0], "message"u8, JsonValueKind.Object) is not { } said)
        {
            throw new JsonException("The answer has no message.");
        }

        var message = new ChatMessage { Role = ChatRole.Assistant, MessageId = Text(json, "id"u8) };
        if (Words(said) is { } words)
        {
            message.Contents.Add(new TextContent(words));
        }

        foreach (var call in Items(said, "tool_calls"u8))
        {
            var function = Member(call, "function"u8, JsonValueKind.Object) ?? throw new JsonException("A call has no function.");
            message.Contents.Add(Called(Text(call, "id"u8), Text(function, "name"u8), Text(function, "arguments"u8)));
        }

        return new ChatResponse(message)
        {
            ResponseId = message.MessageId,
            ModelId = Text(json, "model"u8),
            FinishReason = Reason(choices[0]),
            Usage = UsageOf(json),
        };
    }

    /// <summary>What a chunk adds, null where that is nothing. Calls of tools come bit by bit, and are given when they are whole.</summary>
    public ChatResponseUpdate? Next(ReadOnlySpan<byte> data)
    {
        if (IsDone || data.SequenceEqual("[DONE]"u8))
        {
            IsDone = true;
            return null;
        }

        var reader = new Utf8JsonReader(data);
        using var document = JsonDocument.ParseValue(ref reader);
        var json = document.RootElement;
        ThrowIfError(json);
        var update = new ChatResponseUpdate { Role = ChatRole.Assistant, ResponseId = Text(json, "id"u8), ModelId = Text(json, "model"u8) };
        update.MessageId = update.ResponseId;
        if (UsageOf(json) is { } usage)
        {
            update.Contents.Add(new UsageContent(usage));
        }

        // A chunk of usage alone has no choice.
        if (Member(json, "choices"u8, JsonValueKind.Array) is { } choices && choices.GetArrayLength() > 0)
        {
            Read(choices[0], update);
        }

        return update.Contents.Count > 0 || update.FinishReason is not null ? update : null;
    }

    private void Read(JsonElement choice, ChatResponseUpdate update)
    {
        if (Member(choice, "delta"u8, JsonValueKind.Object) is { } delta)
        {
            if (Words(delta) is { Length: > 0 } words)
            {
                update.Contents.Add(new TextContent(words));
            }

            foreach (var part in Items(delta, "tool_calls"u8))
            {
                Read(part);
            }
        }

        update.FinishReason = Reason(choice);
        if (update.FinishReason is not null && _calls is { } calls)
        {
            foreach (var call in calls.Values)
            {
                update.Contents.Add(Called(call.Id, call.Name, $"{call.Arguments}"));
            }

            _calls = null;
        }
    }

    private void Read(JsonElement part)
    {
        _calls ??= [];
        var at = Member(part, "index"u8, JsonValueKind.Number) is { } index && index.TryGetInt32(out var number) ? number : _calls.Count;
        if (!_calls.TryGetValue(at, out var call))
        {
            _calls[at] = call = new Call();
        }

        call.Id ??= Text(part, "id"u8);
        if (Member(part, "function"u8, JsonValueKind.Object) is { } function)
        {
            call.Name ??= Text(function, "name"u8);
            call.Arguments.Append(Text(function, "arguments"u8));
        }
    }

    /// <summary>What cannot be read of the arguments is told to the model by the tool loop.</summary>
    private static FunctionCallContent Called(string? id, string? name, string? arguments) => string.IsNullOrEmpty(name)
        ? throw new JsonException("A call has no name.")
        : FunctionCallContent.CreateFromParsedArguments(
            arguments, id ?? name, name,
            static text => string.IsNullOrWhiteSpace(text) ? null : JsonSerializer.Deserialize<Dictionary<string, object?>>(text, Tools.CityTools.Serializer));

    /// <summary>What the model says; a refusal is its words too.</summary>
    private static string? Words(JsonElement said) => Text(said, "content"u8) ?? Text(said, "refusal"u8);

    private static ChatFinishReason? Reason(JsonElement choice) => Text(choice, "finish_reason"u8) switch
    {
        null => null,
        "stop" => ChatFinishReason.Stop,
        "length" => ChatFinishReason.Length,
        "content_filter" => ChatFinishReason.ContentFilter,
        "tool_calls" or "function_call" => ChatFinishReason.ToolCalls,
        var other => new ChatFinishReason(other),
    };

    private static UsageDetails? UsageOf(JsonElement json)
    {
        if (Member(json, "usage"u8, JsonValueKind.Object) is not { } usage)
        {
            return null;
        }

        var (input, output) = (Count(usage, "prompt_tokens"u8), Count(usage, "completion_tokens"u8));
        return new UsageDetails { InputTokenCount = input, OutputTokenCount = output, TotalTokenCount = input + output };
    }

    private static long? Count(JsonElement json, ReadOnlySpan<byte> name) =>
        Member(json, name, JsonValueKind.Number) is { } number && number.TryGetInt64(out var count) && count >= 0 ? count : null;

    /// <summary>Some servers say with status 200, or in a stream that has begun, that they could not.</summary>
    private static void ThrowIfError(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new JsonException("The answer is no object.");
        }

        if (json.TryGetProperty("error"u8, out var error) && error.ValueKind != JsonValueKind.Null)
        {
            throw new ProviderRefusedException(HttpStatusCode.InternalServerError, retryAfter: null);
        }
    }

    private static JsonElement.ArrayEnumerator Items(JsonElement json, ReadOnlySpan<byte> name) => Member(json, name, JsonValueKind.Array) is { } list ? list.EnumerateArray() : default;

    private static string? Text(JsonElement json, ReadOnlySpan<byte> name) => Member(json, name, JsonValueKind.String)?.GetString();

    /// <exception cref="JsonException">It is there, and something else.</exception>
    private static JsonElement? Member(JsonElement json, ReadOnlySpan<byte> name, JsonValueKind kind) =>
        json.ValueKind != JsonValueKind.Object ? throw new JsonException($"Where {Encoding.UTF8.GetString(name)} should be there is no object.")
        : !json.TryGetProperty(name, out var member) || member.ValueKind == JsonValueKind.Null ? null
        : member.ValueKind == kind ? member
        : throw new JsonException($"{Encoding.UTF8.GetString(name)} is of another kind.");

    private sealed class Call
    {
        public string? Id { get; set; }

        public string? Name { get; set; }

        public StringBuilder Arguments { get; } = new();
    }
}
