using System.Text.Json;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>Reads a request of the OpenAI-compatible door into what models take, and says by JSON path what is wrong with it.</summary>
internal sealed class CompletionReader(int longestInput)
{
    private readonly Dictionary<string, string[]> _errors = [];
    private long _characters;

    public IReadOnlyDictionary<string, string[]> Errors => _errors;

    public List<ChatMessage> Messages(ChatCompletionRequest request)
    {
        var messages = new List<ChatMessage>();
        if (request.Messages is not { Count: > 0 } given)
        {
            Wrong("messages", "messages must have at least one message.");
            return messages;
        }

        for (var i = 0; i < given.Count; i++)
        {
            if (given[i] is { } message && Message(message, $"messages[{i}]") is { } read)
            {
                messages.Add(read);
            }
            else
            {
                Wrong($"messages[{i}]", "The message must be an object with a role and content.");
            }
        }

        if (_characters > longestInput)
        {
            Wrong("messages", $"The messages must not have more than {longestInput} characters together.");
        }

        return messages;
    }

    /// <summary>Tools with a schema are the client's own and their calls go back to it; a city's tool is run here.</summary>
    public ChatOptions Options(ChatCompletionRequest request, IList<AITool> cityTools, bool isLocal)
    {
        Between(request.Temperature, 0, 2, "temperature");
        Between(request.TopP, 0, 1, "top_p");
        Between(request.PresencePenalty, -2, 2, "presence_penalty");
        Between(request.FrequencyPenalty, -2, 2, "frequency_penalty");
        Between(request.MaxTokens, 1, int.MaxValue, "max_tokens");
        Between(request.MaxCompletionTokens, 1, int.MaxValue, "max_completion_tokens");
        Between(request.N, 1, 1, "n");
        var tools = Tools(request.Tools, cityTools);
        if (isLocal)
        {
            // The built-in assistant knows nothing but the city, so it always has the city's tools.
            tools.AddRange(cityTools.Where(t => !tools.Exists(own => own.Name == t.Name)));
        }

        return new ChatOptions
        {
            Tools = tools.Count == 0 ? null : tools,
            ToolMode = tools.Count == 0 ? null : ToolMode(request.ToolChoice, tools),
            AllowMultipleToolCalls = tools.Count == 0 ? null : request.ParallelToolCalls,
            MaxOutputTokens = request.MaxCompletionTokens ?? request.MaxTokens,
            Temperature = request.Temperature,
            TopP = request.TopP,
            PresencePenalty = request.PresencePenalty,
            FrequencyPenalty = request.FrequencyPenalty,
            Seed = request.Seed,
            StopSequences = Stop(request.Stop),
            ResponseFormat = Format(request.ResponseFormat),
        };
    }

    private ChatMessage? Message(CompletionMessage message, string path)
    {
        switch (message.Role)
        {
            case "system" or "developer":
                return new ChatMessage(ChatRole.System, Contents(message.Content, $"{path}.content", isRequired: true)) { AuthorName = message.Name };
            case "user":
                return new ChatMessage(ChatRole.User, Contents(message.Content, $"{path}.content", isRequired: true)) { AuthorName = message.Name };
            case "assistant":
                var calls = Calls(message.ToolCalls, path);
                return new ChatMessage(ChatRole.Assistant, [.. Contents(message.Content, $"{path}.content", isRequired: calls.Count == 0), .. calls]) { AuthorName = message.Name };
            case "tool":
                if (string.IsNullOrEmpty(message.ToolCallId))
                {
                    Wrong($"{path}.tool_call_id", "A message of a tool must say which call it answers.");
                }

                var said = string.Concat(Contents(message.Content, $"{path}.content", isRequired: true).OfType<TextContent>().Select(t => t.Text));
                return new ChatMessage(ChatRole.Tool, [new FunctionResultContent(message.ToolCallId ?? "", Json(said))]);
            default:
                Wrong($"{path}.role", "role must be one of system, developer, user, assistant, tool.");
                return new ChatMessage();
        }
    }

    private List<AIContent> Contents(JsonElement? content, string path, bool isRequired)
    {
        switch (content)
        {
            case { ValueKind: JsonValueKind.String } text:
                return [Text(text.GetString()!)];
            case { ValueKind: JsonValueKind.Array } parts when parts.GetArrayLength() > 0:
                var read = new List<AIContent>();
                foreach (var part in parts.EnumerateArray())
                {
                    if (Part(part) is { } known)
                    {
                        read.Add(known);
                    }
                    else
                    {
                        Wrong($"{path}[{read.Count}]", "A part must be { type: \"text\", text } or { type: \"image_url\", image_url: { url } }.");
                        return read;
                    }
                }

                return read;
            case null or { ValueKind: JsonValueKind.Null } when !isRequired:
                return [];
            default:
                Wrong(path, "content must be a string or a list of parts.");
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
            _characters += given.Length;
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
        _characters += text.Length;
        return new TextContent(text);
    }

    private List<FunctionCallContent> Calls(List<CompletionToolCall?>? calls, string path)
    {
        var read = new List<FunctionCallContent>();
        for (var i = 0; i < (calls?.Count ?? 0); i++)
        {
            if (calls![i] is { Id: { Length: > 0 } id, Function: { Name: { Length: > 0 } name } function } && Arguments(function.Arguments) is { } arguments)
            {
                _characters += function.Arguments?.Length ?? 0;
                read.Add(new FunctionCallContent(id, name, arguments));
            }
            else
            {
                Wrong($"{path}.tool_calls[{i}]", "A call must have an id and a function with a name and arguments that are a JSON object in a string.");
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

    private List<AITool> Tools(List<CompletionTool?>? given, IList<AITool> cityTools)
    {
        var tools = new List<AITool>();
        for (var i = 0; i < (given?.Count ?? 0); i++)
        {
            var path = $"tools[{i}]";
            if (given![i] is not { Type: null or "function", Function: { Name: { Length: > 0 and <= 64 } name } function })
            {
                Wrong(path, "A tool must be { type: \"function\", function: { name, description, parameters } }.");
                continue;
            }

            if (tools.Exists(t => t.Name == name))
            {
                Wrong($"{path}.function.name", "The name is given twice.");
            }
            else if (HasSchema(function.Parameters))
            {
                _characters += function.Parameters!.Value.GetRawText().Length;
                tools.Add(AIFunctionFactory.CreateDeclaration(name, function.Description ?? "", function.Parameters.Value));
            }
            else if (cityTools.FirstOrDefault(t => t.Name == name) is { } own)
            {
                tools.Add(own);
            }
            else if (function.Parameters is null or { ValueKind: JsonValueKind.Object or JsonValueKind.Null })
            {
                tools.Add(AIFunctionFactory.CreateDeclaration(name, function.Description ?? "", JsonElement.Parse("""{"type":"object","properties":{}}""")));
            }
            else
            {
                Wrong($"{path}.function.parameters", "parameters must be a JSON schema of an object.");
            }
        }

        return tools;
    }

    private static bool HasSchema(JsonElement? parameters) =>
        parameters is { ValueKind: JsonValueKind.Object } schema && Member(schema, "properties") is { ValueKind: JsonValueKind.Object } properties
        && properties.EnumerateObject().Any();

    private ChatToolMode? ToolMode(JsonElement? choice, List<AITool> tools)
    {
        switch (choice)
        {
            case null or { ValueKind: JsonValueKind.Null }:
                return null;
            case { ValueKind: JsonValueKind.String } word:
                switch (word.GetString())
                {
                    case "auto": return ChatToolMode.Auto;
                    case "none": return ChatToolMode.None;
                    case "required": return ChatToolMode.RequireAny;
                }

                break;
            case { ValueKind: JsonValueKind.Object } one:
                if (Member(one, "function") is { ValueKind: JsonValueKind.Object } function && Member(function, "name") is { ValueKind: JsonValueKind.String } name
                    && tools.Exists(t => t.Name == name.GetString()))
                {
                    return ChatToolMode.RequireSpecific(name.GetString()!);
                }

                break;
        }

        Wrong("tool_choice", "tool_choice must be none, auto, required, or one function of tools.");
        return null;
    }

    private List<string>? Stop(JsonElement? stop)
    {
        switch (stop)
        {
            case null or { ValueKind: JsonValueKind.Null }:
                return null;
            case { ValueKind: JsonValueKind.String } one:
                return [one.GetString()!];
            case { ValueKind: JsonValueKind.Array } list when list.GetArrayLength() <= 4 && list.EnumerateArray().All(s => s.ValueKind == JsonValueKind.String):
                return [.. list.EnumerateArray().Select(s => s.GetString()!)];
            default:
                Wrong("stop", "stop must be a string or a list of up to four.");
                return null;
        }
    }

    private ChatResponseFormat? Format(JsonElement? format)
    {
        if (format is null or { ValueKind: JsonValueKind.Null })
        {
            return null;
        }

        if (format is { ValueKind: JsonValueKind.Object } given)
        {
            switch (Member(given, "type") is { ValueKind: JsonValueKind.String } type ? type.GetString() : null)
            {
                case "text": return ChatResponseFormat.Text;
                case "json_object": return ChatResponseFormat.Json;
                case "json_schema" when Member(given, "json_schema") is { ValueKind: JsonValueKind.Object } described && Member(described, "schema") is { ValueKind: JsonValueKind.Object } schema:
                    return ChatResponseFormat.ForJsonSchema(schema, Member(described, "name") is { ValueKind: JsonValueKind.String } name ? name.GetString() : "answer");
            }
        }

        Wrong("response_format", "response_format must be of type text, json_object or json_schema.");
        return null;
    }

    private void Between(double? value, double least, double most, string path)
    {
        if (value < least || value > most)
        {
            Wrong(path, least.Equals(most) ? $"{path} must be {least}." : most.Equals(int.MaxValue) ? $"{path} must be at least {least}." : $"{path} must lie between {least} and {most}.");
        }
    }

    private static JsonElement? Member(JsonElement json, string name) => json.TryGetProperty(name, out var member) ? member : null;

    private void Wrong(string path, string message) => _errors.TryAdd(path, [message]);
}
