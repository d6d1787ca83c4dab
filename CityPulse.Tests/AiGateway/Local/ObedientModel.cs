using System.Text.Json;
using System.Text.RegularExpressions;

namespace CityPulse.Tests.AiGateway.Local;

/// <summary>
/// The worst model there can be: whatever text it reads, it makes the call that stands in «…», and says in its answer all that it read.
/// It speaks OpenAI's protocol.
/// </summary>
internal static partial class ObedientModel
{
    private const int MostCalls = 4;

    public static Task<FakeServer> StartAsync() => FakeServer.StartAsync((context, request) =>
    {
        var messages = JsonElement.Parse(request.Body).GetProperty("messages").EnumerateArray().ToList();
        var texts = messages.Where(m => m.GetProperty("role").GetString() is "user" or "tool").Select(m => m.GetProperty("content").ToString()).ToList();
        var made = messages.Where(m => m.TryGetProperty("tool_calls", out _)).Select(m => m.GetProperty("tool_calls")[0].GetProperty("function"))
            .Select(f => f.GetProperty("name").GetString() + " " + f.GetProperty("arguments").GetString()).ToList();
        var wanted = texts.SelectMany(t => Orders().Matches(Regex.Unescape(t.Replace("\\\"", "\"", StringComparison.Ordinal)))).Select(m => m.Groups["call"].Value)
            .FirstOrDefault(call => !made.Contains(call));
        var message = wanted is not null && made.Count < MostCalls
            ? (object)new
            {
                role = "assistant", content = (string?)null,
                tool_calls = new[] { new { id = $"c{made.Count}", type = "function", function = new { name = wanted.Split(' ', 2)[0], arguments = wanted.Split(' ', 2)[1] } } },
            }
            : new { role = "assistant", content = string.Join('\n', texts.Skip(1)) };
        return FakeServer.JsonAsync(context, JsonSerializer.Serialize(new
        {
            id = "r1", @object = "chat.completion", created = 1700000000, model = "obedient",
            choices = new[] { new { index = 0, finish_reason = wanted is not null && made.Count < MostCalls ? "tool_calls" : "stop", message } },
            usage = new { prompt_tokens = 1, completion_tokens = 1, total_tokens = 2 },
        }));
    });

    [GeneratedRegex("«(?<call>[^»]+)»")]
    private static partial Regex Orders();
}
