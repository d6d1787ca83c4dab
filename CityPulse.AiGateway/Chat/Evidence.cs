using System.Text.Json;
using CityPulse.AiGateway.Chat.Domain;
using CityPulse.AiGateway.Tools;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Chat;

/// <summary>Where a figure comes from.</summary>
/// <param name="Url">Gives the same again, with the same token; relative to the public origin.</param>
internal sealed record Citation(string Tool, JsonElement Arguments, string Url);

/// <param name="UnverifiedNumbers">Numbers of the answer that no tool gave, and that do not follow from those that one gave.</param>
internal sealed record Evidence(IReadOnlyList<Citation> Citations, IReadOnlyList<double> UnverifiedNumbers)
{
    /// <param name="asked">What the caller said: their own numbers may be repeated.</param>
    public static Evidence Of(ChatResponse response, string asked)
    {
        var contents = response.Messages.SelectMany(m => m.Contents).ToList();
        var calls = contents.OfType<FunctionCallContent>().GroupBy(c => c.CallId).ToDictionary(g => g.Key, g => g.First());
        var citations = new List<Citation>();
        var given = new List<JsonElement>();
        foreach (var result in contents.OfType<FunctionResultContent>())
        {
            if (result.Result is not JsonElement json || !calls.TryGetValue(result.CallId, out var call))
            {
                continue;
            }

            var arguments = JsonSerializer.SerializeToElement(call.Arguments ?? new Dictionary<string, object?>(), CityTools.Serializer);
            given.AddRange([arguments, json]);
            citations.AddRange(Sources(json).Where(url => !citations.Exists(c => c.Url == url)).Distinct().Select(url => new Citation(call.Name, arguments, url)));
        }

        return new Evidence(citations, NumberCheck.Unverified(response.Text, asked, given));
    }

    private static IEnumerable<string> Sources(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().SelectMany(m =>
            m.Value.ValueKind != JsonValueKind.String ? Sources(m.Value) : m.NameEquals("source") ? [m.Value.GetString()!] : []),
        JsonValueKind.Array => json.EnumerateArray().SelectMany(Sources),
        _ => [],
    };
}
