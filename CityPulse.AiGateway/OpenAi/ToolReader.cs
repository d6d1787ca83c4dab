using System.Text.Json;
using Microsoft.Extensions.AI;
using static CityPulse.AiGateway.OpenAi.CompletionFaults;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>
/// The tools of a request. Those with a schema are the client's own and their calls go back to it; a city's tool is run here.
/// </summary>
internal sealed class ToolReader(CompletionFaults faults, Lazy<IList<AITool>> cityTools)
{
    public List<AITool> Tools(List<CompletionTool?>? given)
    {
        var tools = new List<AITool>();
        for (var i = 0; i < (given?.Count ?? 0); i++)
        {
            var path = $"tools[{i}]";
            if (given![i] is not { Type: null or "function", Function: { Name: { Length: > 0 and <= 64 } name } function })
            {
                faults.Add(path, "A tool must be { type: \"function\", function: { name, description, parameters } }.");
                continue;
            }

            if (tools.Exists(t => t.Name == name))
            {
                faults.Add($"{path}.function.name", "The name is given twice.");
            }
            else if (HasSchema(function.Parameters))
            {
                faults.Count(function.Parameters!.Value.GetRawText().Length);
                tools.Add(AIFunctionFactory.CreateDeclaration(name, function.Description ?? "", function.Parameters.Value));
            }
            else if (cityTools.Value.FirstOrDefault(t => t.Name == name) is { } own)
            {
                tools.Add(own);
            }
            else if (function.Parameters is null or { ValueKind: JsonValueKind.Object or JsonValueKind.Null })
            {
                tools.Add(AIFunctionFactory.CreateDeclaration(name, function.Description ?? "", JsonElement.Parse("""{"type":"object","properties":{}}""")));
            }
            else
            {
                faults.Add($"{path}.function.parameters", "parameters must be a JSON schema of an object.");
            }
        }

        return tools;
    }

    public ChatToolMode? Mode(JsonElement? choice, List<AITool> tools)
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

        faults.Add("tool_choice", "tool_choice must be none, auto, required, or one function of tools.");
        return null;
    }

    private static bool HasSchema(JsonElement? parameters) =>
        parameters is { ValueKind: JsonValueKind.Object } schema && Member(schema, "properties") is { ValueKind: JsonValueKind.Object } properties
        && properties.EnumerateObject().Any();
}
