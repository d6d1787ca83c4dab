using System.Text.Json;
using Microsoft.Extensions.AI;
using static CityPulse.AiGateway.OpenAi.CompletionFaults;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>The messages of a request, as models take them.</summary>
internal sealed class MessageReader(CompletionFaults faults)
{
    public List<ChatMessage> Read(ChatCompletionRequest request)
    {
        if (request.Messages is not { Count: > 0 } given)
        {
            faults.Add("messages", "messages must have at least one message.");
            return [];
        }

        var messages = new List<ChatMessage>(given.Count);
        for (var i = 0; i < given.Count; i++)
        {
            if (given[i] is { } message)
            {
                messages.Add(Message(message, i));
            }
            else
            {
                faults.Add($"messages[{i}]", "The message must be an object with a role and content.");
            }
        }

        return messages;
    }

    private ChatMessage Message(CompletionMessage message, int at)
    {
        switch (message.Role)
        {
            case "system" or "developer":
                return new ChatMessage(ChatRole.System, Contents(message.Content, at, isRequired: true)) { AuthorName = message.Name };
            case "user":
                return new ChatMessage(ChatRole.User, Contents(message.Content, at, isRequired: true)) { AuthorName = message.Name };
            case "assistant":
                var calls = Calls(message.ToolCalls, at);
                return new ChatMessage(ChatRole.Assistant, [.. Contents(message.Content, at, isRequired: calls.Count == 0), .. calls]) { AuthorName = message.Name };
            case "tool":
                if (string.IsNullOrEmpty(message.ToolCallId))
                {
                    faults.Add($"messages[{at}].tool_call_id", "A message of a tool must say which call it answers.");
                }

                var said = string.Concat(Contents(message.Content, at, isRequired: true).OfType<TextContent>().Select(t => t.Text));
                return new ChatMessage(ChatRole.Tool, [new FunctionResultContent(message.ToolCallId ?? "", Json(said))]);
            default:
                faults.Add($"messages[{at}].role", "role must be one of system, developer, user, assistant, tool.");
                return new ChatMessage();
        }
    }

    private List<AIContent> Contents(CompletionContent? content, int at, bool isRequired)
    {
        switch (content)
        {
            case { Text: { } text }:
                return [Text(text)];
            case { Other: { ValueKind: JsonValueKind.Array } parts } when parts.GetArrayLength() > 0:
                var read = new List<AIContent>();
                foreach (var part in parts.EnumerateArray())
                {
                    if (Part(part) is { } known)
                    {
                        read.Add(known);
                    }
                    else
                    {
                        faults.Add($"messages[{at}].content[{read.Count}]", "A part must be { type: \"text\", text } or { type: \"image_url\", image_url: { url } }.");
                        return read;
                    }
                }

                return read;
            case null when !isRequired:
                return [];
            default:
                faults.Add($"messages[{at}].content", "content must be a string or a list of parts.");
                return [];
        }
    }

    private AIContent? Part(JsonElement part)
    {
        if (part.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        if ((Member(part, "text") ?? Member(part, "refusal")) is { ValueKind: JsonValueKind.String } text)
        {
            return Text(text.GetString()!);
        }

        if (Member(part, "image_url") is { } image
            && (image.ValueKind == JsonValueKind.Object ? Member(image, "url") : image) is { ValueKind: JsonValueKind.String } url
            && Uri.TryCreate(url.GetString(), UriKind.Absolute, out var address))
        {
            var given = url.GetString()!;
            faults.Count(given.Length);
            return address.Scheme switch
            {
                "data" when given.Contains(";base64,", StringComparison.Ordinal) => new DataContent(given),
                "http" or "https" => new UriContent(address, "image/*"),
                _ => null,
            };
        }

        return null;
    }

    private TextContent Text(string text)
    {
        faults.Count(text.Length);
        return new TextContent(text);
    }

    private List<FunctionCallContent> Calls(List<CompletionToolCall?>? calls, int at)
    {
        var read = new List<FunctionCallContent>();
        for (var i = 0; i < (calls?.Count ?? 0); i++)
        {
            if (calls![i] is { Id: { Length: > 0 } id, Function: { Name: { Length: > 0 } name } function } && Arguments(function.Arguments) is { } arguments)
            {
                faults.Count(function.Arguments?.Length ?? 0);
                read.Add(new FunctionCallContent(id, name, arguments));
            }
            else
            {
                faults.Add($"messages[{at}].tool_calls[{i}]", "A call must have an id and a function with a name and arguments that are a JSON object in a string.");
            }
        }

        return read;
    }

    private static Dictionary<string, object?>? Arguments(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return [];
        }

        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, object?>>(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A result that is JSON is handed on as such, so that the built-in assistant can read it.</summary>
    private static object Json(string text)
    {
        if (!text.AsSpan().TrimStart().StartsWith('{'))
        {
            return text;
        }

        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            return text;
        }
    }
}
