using System.Text.Json;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>
/// Reads and writes by hand what nearly all requests and answers consist of. A request with anything else in it is left to the serializer, as is
/// everything that is wrong; an answer's rarer members are written by it. The records alone say what there can be.
/// </summary>
internal static class PlainCompletion
{
    [Flags]
    private enum Seen
    {
        None = 0,
        Model = 1,
        Messages = 2,
        Stream = 4,
        MaxTokens = 8,
        MaxCompletionTokens = 16,
        Temperature = 32,
        Role = 64,
        Content = 128,
    }

    /// <summary>Null where it is not as plain as that, or not right.</summary>
    public static ChatCompletionRequest? Read(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            // What comes behind it is for the serializer to judge.
            return reader.Read() && ReadRequest(ref reader) is { } request && !reader.Read() ? request : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON, or no text in a string of it.
            return null;
        }
    }

    private static ChatCompletionRequest? ReadRequest(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return null;
        }

        var seen = Seen.None;
        string? model = null;
        List<CompletionMessage?>? messages = null;
        bool? stream = null;
        int? maxTokens = null, maxCompletionTokens = null;
        float? temperature = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var member = reader.ValueTextEquals("model"u8) ? Seen.Model
                : reader.ValueTextEquals("messages"u8) ? Seen.Messages
                : reader.ValueTextEquals("stream"u8) ? Seen.Stream
                : reader.ValueTextEquals("max_tokens"u8) ? Seen.MaxTokens
                : reader.ValueTextEquals("max_completion_tokens"u8) ? Seen.MaxCompletionTokens
                : reader.ValueTextEquals("temperature"u8) ? Seen.Temperature
                : Seen.None;
            if (member == Seen.None || (seen & member) != 0 || !reader.Read())
            {
                return null;
            }

            seen |= member;
            switch (member, reader.TokenType)
            {
                case (Seen.Model, JsonTokenType.String):
                    model = reader.GetString();
                    break;
                case (Seen.Messages, JsonTokenType.StartArray) when ReadMessages(ref reader) is { } read:
                    messages = read;
                    break;
                case (Seen.Stream, JsonTokenType.True or JsonTokenType.False):
                    stream = reader.GetBoolean();
                    break;
                case (Seen.MaxTokens, JsonTokenType.Number) when reader.TryGetInt32(out var count):
                    maxTokens = count;
                    break;
                case (Seen.MaxCompletionTokens, JsonTokenType.Number) when reader.TryGetInt32(out var count):
                    maxCompletionTokens = count;
                    break;
                case (Seen.Temperature, JsonTokenType.Number) when reader.TryGetSingle(out var degree):
                    temperature = degree;
                    break;
                default:
                    return null;
            }
        }

        return new ChatCompletionRequest
        {
            Model = model, Messages = messages, Stream = stream, MaxTokens = maxTokens, MaxCompletionTokens = maxCompletionTokens, Temperature = temperature,
        };
    }

    private static List<CompletionMessage?>? ReadMessages(ref Utf8JsonReader reader)
    {
        var messages = new List<CompletionMessage?>();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            var seen = Seen.None;
            string? role = null, content = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var member = reader.ValueTextEquals("role"u8) ? Seen.Role : reader.ValueTextEquals("content"u8) ? Seen.Content : Seen.None;
                if (member == Seen.None || (seen & member) != 0 || !reader.Read() || reader.TokenType != JsonTokenType.String)
                {
                    return null;
                }

                seen |= member;
                if (member == Seen.Role)
                {
                    role = RoleOf(ref reader);
                }
                else
                {
                    content = reader.GetString();
                }
            }

            messages.Add(new CompletionMessage { Role = role, Content = content is null ? null : new CompletionContent(content, default) });
        }

        return reader.TokenType == JsonTokenType.EndArray ? messages : null;
    }

    /// <summary>The words that nearly all messages have need not be made anew.</summary>
    private static string? RoleOf(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("user"u8) ? "user" : reader.ValueTextEquals("system"u8) ? "system" : reader.ValueTextEquals("assistant"u8) ? "assistant" : reader.GetString();

    public static void Write(Utf8JsonWriter json, Completion answer, JsonSerializerOptions options)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, answer.Id);
        json.WriteString("object"u8, answer.Object);
        json.WriteNumber("created"u8, answer.Created);
        json.WriteString("model"u8, answer.Model);
        json.WriteStartArray("choices"u8);
        for (var i = 0; i < answer.Choices.Count; i++)
        {
            Write(json, answer.Choices[i], options);
        }

        json.WriteEndArray();
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, answer.Usage.PromptTokens);
        json.WriteNumber("completion_tokens"u8, answer.Usage.CompletionTokens);
        json.WriteNumber("total_tokens"u8, answer.Usage.TotalTokens);
        json.WriteEndObject();
        json.WriteString("system_fingerprint"u8, answer.SystemFingerprint);
        WriteRare(json, "fallbacks"u8, answer.Fallbacks, options);
        WriteRare(json, "citations"u8, answer.Citations, options);
        WriteRare(json, "unverifiedNumbers"u8, answer.UnverifiedNumbers, options);
        if (answer.Cached)
        {
            json.WriteBoolean("cached"u8, true);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, CompletionChoice choice, JsonSerializerOptions options)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, choice.Index);
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, choice.Message.Role);
        json.WriteString("content"u8, choice.Message.Content);
        json.WriteString("refusal"u8, choice.Message.Refusal);
        WriteRare(json, "tool_calls"u8, choice.Message.ToolCalls, options);
        json.WriteEndObject();
        json.WriteNull("logprobs"u8);
        json.WriteString("finish_reason"u8, choice.FinishReason);
        json.WriteEndObject();
    }

    private static void WriteRare<T>(Utf8JsonWriter json, ReadOnlySpan<byte> name, T? value, JsonSerializerOptions options)
        where T : class
    {
        if (value is not null)
        {
            json.WritePropertyName(name);
            JsonSerializer.Serialize(json, value, options);
        }
    }
}
