using System.Text.Json;
using CityPulse.ServiceDefaults.Json;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Models.Wire;

/// <summary>What OpenAI's chat completions are asked.</summary>
internal static class WireQuestion
{
    public static byte[] Write(string model, IEnumerable<ChatMessage> messages, ChatOptions? options, bool isStream)
    {
        using var draft = JsonDraft.ForReaders();
        var json = draft.Json;
        json.WriteStartObject();
        json.WriteString("model"u8, model);
        json.WriteStartArray("messages"u8);
        if (options?.Instructions is { Length: > 0 } instructions)
        {
            json.WriteStartObject();
            json.WriteString("role"u8, "system"u8);
            json.WriteString("content"u8, instructions);
            json.WriteEndObject();
        }

        foreach (var message in messages)
        {
            Write(json, message);
        }

        json.WriteEndArray();
        if (isStream)
        {
            json.WriteBoolean("stream"u8, true);
            json.WriteStartObject("stream_options"u8);
            json.WriteBoolean("include_usage"u8, true);
            json.WriteEndObject();
        }

        if (options is not null)
        {
            Write(json, options);
        }

        json.WriteEndObject();
        return draft.Written.ToArray();
    }

    private static void Write(Utf8JsonWriter json, ChatMessage message)
    {
        if (message.Role == ChatRole.Tool)
        {
            foreach (var content in message.Contents)
            {
                if (content is FunctionResultContent result)
                {
                    json.WriteStartObject();
                    json.WriteString("role"u8, "tool"u8);
                    json.WriteString("tool_call_id"u8, result.CallId);
                    json.WriteString("content"u8, Text(result));
                    json.WriteEndObject();
                }
            }

            return;
        }

        json.WriteStartObject();
        json.WriteString("role"u8, message.Role.Value);
        if (message.AuthorName is { Length: > 0 } name)
        {
            json.WriteString("name"u8, name);
        }

        var calls = message.Role == ChatRole.Assistant ? message.Contents.OfType<FunctionCallContent>().ToList() : null;
        WriteContent(json, message, mayBeNull: calls is { Count: > 0 });
        if (calls is { Count: > 0 })
        {
            json.WriteStartArray("tool_calls"u8);
            calls.ForEach(call => Write(json, call));
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    /// <summary>One text as a text, which every compatible server takes; only what has several parts as parts.</summary>
    private static void WriteContent(Utf8JsonWriter json, ChatMessage message, bool mayBeNull)
    {
        if (message.Contents is [TextContent only])
        {
            json.WriteString("content"u8, only.Text);
            return;
        }

        var parts = message.Contents.Count(c => c is TextContent or UriContent or DataContent);
        if (parts == 0 && mayBeNull)
        {
            json.WriteNull("content"u8);
        }
        else if (parts == 0 || (parts == 1 && message.Contents.OfType<TextContent>().Any()))
        {
            json.WriteString("content"u8, message.Text);
        }
        else
        {
            json.WriteStartArray("content"u8);
            foreach (var content in message.Contents)
            {
                switch (content)
                {
                    case TextContent text:
                        json.WriteStartObject();
                        json.WriteString("type"u8, "text"u8);
                        json.WriteString("text"u8, text.Text);
                        json.WriteEndObject();
                        break;
                    case UriContent image:
                        WriteImage(json, image.Uri.AbsoluteUri);
                        break;
                    case DataContent image:
                        WriteImage(json, image.Uri);
                        break;
                }
            }

            json.WriteEndArray();
        }
    }

    private static void WriteImage(Utf8JsonWriter json, string url)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "image_url"u8);
        json.WriteStartObject("image_url"u8);
        json.WriteString("url"u8, url);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, FunctionCallContent call)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, call.CallId);
        json.WriteString("type"u8, "function"u8);
        json.WriteStartObject("function"u8);
        json.WriteString("name"u8, call.Name);
        json.WriteString("arguments"u8, JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), Tools.CityTools.Serializer));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string Text(FunctionResultContent result) => result.Result switch
    {
        null => "",
        string text => text,
        JsonElement element => element.GetRawText(),
        var other => JsonSerializer.Serialize(other, Tools.CityTools.Serializer),
    };

    private static void Write(Utf8JsonWriter json, ChatOptions options)
    {
        Number(json, "max_completion_tokens", options.MaxOutputTokens);
        Number(json, "temperature", options.Temperature);
        Number(json, "top_p", options.TopP);
        Number(json, "presence_penalty", options.PresencePenalty);
        Number(json, "frequency_penalty", options.FrequencyPenalty);
        Number(json, "seed", options.Seed);
        if (options.StopSequences is { Count: > 0 } stops)
        {
            json.WriteStartArray("stop"u8);
            foreach (var stop in stops)
            {
                json.WriteStringValue(stop);
            }

            json.WriteEndArray();
        }

        WriteFormat(json, options.ResponseFormat);
        var tools = options.Tools?.OfType<AIFunctionDeclaration>().ToList();
        if (tools is { Count: > 0 })
        {
            json.WriteStartArray("tools"u8);
            tools.ForEach(tool => Write(json, tool));
            json.WriteEndArray();
            WriteChoice(json, options.ToolMode);
            if (options.AllowMultipleToolCalls is { } parallel)
            {
                json.WriteBoolean("parallel_tool_calls"u8, parallel);
            }
        }
    }

    private static void WriteFormat(Utf8JsonWriter json, ChatResponseFormat? format)
    {
        if (format is not ChatResponseFormatJson described)
        {
            return;
        }

        json.WriteStartObject("response_format"u8);
        json.WriteString("type"u8, described.Schema is null ? "json_object"u8 : "json_schema"u8);
        if (described.Schema is { } schema)
        {
            json.WriteStartObject("json_schema"u8);
            json.WriteString("name"u8, described.SchemaName ?? "answer");
            if (described.SchemaDescription is { } description)
            {
                json.WriteString("description"u8, description);
            }

            json.WritePropertyName("schema"u8);
            schema.WriteTo(json);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, AIFunctionDeclaration tool)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "function"u8);
        json.WriteStartObject("function"u8);
        json.WriteString("name"u8, tool.Name);
        json.WriteString("description"u8, tool.Description);
        json.WritePropertyName("parameters"u8);
        tool.JsonSchema.WriteTo(json);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteChoice(Utf8JsonWriter json, ChatToolMode? mode)
    {
        switch (mode)
        {
            case AutoChatToolMode:
                json.WriteString("tool_choice"u8, "auto"u8);
                break;
            case NoneChatToolMode:
                json.WriteString("tool_choice"u8, "none"u8);
                break;
            case RequiredChatToolMode { RequiredFunctionName: { } name }:
                json.WriteStartObject("tool_choice"u8);
                json.WriteString("type"u8, "function"u8);
                json.WriteStartObject("function"u8);
                json.WriteString("name"u8, name);
                json.WriteEndObject();
                json.WriteEndObject();
                break;
            case RequiredChatToolMode:
                json.WriteString("tool_choice"u8, "required"u8);
                break;
        }
    }

    private static void Number(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } known)
        {
            json.WriteNumber(name, known);
        }
    }

    private static void Number(Utf8JsonWriter json, string name, float? value)
    {
        if (value is { } known)
        {
            json.WriteNumber(name, known);
        }
    }
}
