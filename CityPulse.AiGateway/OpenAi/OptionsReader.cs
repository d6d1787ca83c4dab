using System.Text.Json;
using Microsoft.Extensions.AI;
using static CityPulse.AiGateway.OpenAi.CompletionFaults;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>The options of a request, as models take them.</summary>
internal sealed class OptionsReader(CompletionFaults faults)
{
    /// <param name="cityTools">Only made where somebody wants them.</param>
    public ChatOptions Read(ChatCompletionRequest request, Lazy<IList<AITool>> cityTools, bool isLocal)
    {
        Between(request.Temperature, 0, 2, "temperature");
        Between(request.TopP, 0, 1, "top_p");
        Between(request.PresencePenalty, -2, 2, "presence_penalty");
        Between(request.FrequencyPenalty, -2, 2, "frequency_penalty");
        Between(request.MaxTokens, 1, int.MaxValue, "max_tokens");
        Between(request.MaxCompletionTokens, 1, int.MaxValue, "max_completion_tokens");
        Between(request.N, 1, 1, "n");
        var reader = new ToolReader(faults, cityTools);
        var tools = reader.Tools(request.Tools);
        if (isLocal)
        {
            // The built-in assistant knows nothing but the city, so it always has the city's tools.
            tools.AddRange(cityTools.Value.Where(t => !tools.Exists(own => own.Name == t.Name)));
        }

        return new ChatOptions
        {
            Tools = tools.Count == 0 ? null : tools,
            ToolMode = tools.Count == 0 ? null : reader.Mode(request.ToolChoice, tools),
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
                faults.Add("stop", "stop must be a string or a list of up to four.");
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

        faults.Add("response_format", "response_format must be of type text, json_object or json_schema.");
        return null;
    }

    private void Between(double? value, double least, double most, string path)
    {
        if (value < least || value > most)
        {
            faults.Add(path, least.Equals(most) ? $"{path} must be {least}." : most.Equals(int.MaxValue) ? $"{path} must be at least {least}." : $"{path} must lie between {least} and {most}.");
        }
    }
}
