using System.Text.Json;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>What is wrong with a request of the OpenAI-compatible door, by JSON path, and how much text it carries.</summary>
internal sealed class CompletionFaults(int longestInput)
{
    private long _characters;

    /// <summary>Null where nothing is wrong.</summary>
    public Dictionary<string, string[]>? Errors { get; private set; }

    /// <summary>The first fault of a place is the one that is told.</summary>
    public void Add(string path, string message) => (Errors ??= []).TryAdd(path, [message]);

    public void Count(int characters) => _characters += characters;

    /// <summary>When all has been read.</summary>
    public void CheckLength()
    {
        if (_characters > longestInput)
        {
            Add("messages", $"The messages must not have more than {longestInput} characters together.");
        }
    }

    public static JsonElement? Member(JsonElement json, string name) => json.TryGetProperty(name, out var member) ? member : null;
}
