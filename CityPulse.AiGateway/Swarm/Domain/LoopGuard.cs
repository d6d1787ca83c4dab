using System.Text;
using System.Text.Json;

namespace CityPulse.AiGateway.Swarm.Domain;

/// <summary>
/// Notices an agent that goes round in circles: the same tool with the same arguments three times in a run. Counted by agent, since
/// several may well look at the same thing.
/// </summary>
internal sealed class LoopGuard
{
    public const int Most = 3;

    private readonly Dictionary<(int Agent, string Tool, string Arguments), int> _calls = [];
    private readonly Lock _gate = new();

    /// <summary>False when this call is the one too many.</summary>
    public bool Allows(int agent, string tool, JsonElement arguments)
    {
        var key = (agent, tool, Canonical(arguments));
        lock (_gate)
        {
            var count = _calls.GetValueOrDefault(key) + 1;
            _calls[key] = count;
            return count < Most;
        }
    }

    /// <summary>The same for arguments in another order, or with members that say nothing.</summary>
    internal static string Canonical(JsonElement value)
    {
        var text = new StringBuilder();
        Write(value, text);
        return text.ToString();
    }

    private static void Write(JsonElement value, StringBuilder text)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                text.Append('{');
                foreach (var member in value.EnumerateObject().Where(m => m.Value.ValueKind != JsonValueKind.Null).OrderBy(m => m.Name, StringComparer.Ordinal))
                {
                    text.Append(JsonSerializer.Serialize(member.Name)).Append(':');
                    Write(member.Value, text);
                    text.Append(',');
                }

                text.Append('}');
                break;
            case JsonValueKind.Array:
                text.Append('[');
                foreach (var item in value.EnumerateArray())
                {
                    Write(item, text);
                    text.Append(',');
                }

                text.Append(']');
                break;
            default:
                text.Append(value.GetRawText());
                break;
        }
    }
}
