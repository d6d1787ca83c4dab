using System.Net;
using System.Text.Json;
using CityPulse.Tests.Realtime;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Local;

/// <summary>
/// Questions as people ask them, in English and German, with the tool that answers each, its arguments and the figure: <c>questions.tsv</c>.
/// Asked of the real gateway in front of the real Api.
/// </summary>
[Collection<AnsweringCities>]
public sealed class QuestionTableTests(AnsweringCity city)
{
    /// <summary>Periods of the table, as they are at <see cref="AnsweringCity.Now"/> in Berlin.</summary>
    private static readonly Dictionary<string, (string From, string To)> Periods = Table("periods.tsv")
        .ToDictionary(row => row[0], row => (row[1], row[2]));

    public static TheoryData<string, string, string, string> Questions => [.. Table("questions.tsv").Select(r => (r[0], r[1], r[2], r[3]))];

    [Theory]
    [MemberData(nameof(Questions))]
    public async Task A_question_is_looked_up_and_answered(string question, string tool, string arguments, string expected)
    {
        using var client = city.Gateway.CreateClient(city.City.AccessToken);
        using var response = await client.AskAsync(question);
        var answer = await response.ReadAsync(HttpStatusCode.OK);
        var content = answer.GetProperty("message").GetProperty("content").GetString()!;
        var calls = answer.GetProperty("toolCalls").EnumerateArray()
            .Select(c => (Tool: c.GetProperty("name").GetString()!, Arguments: c.GetProperty("arguments")))
            .Where(c => c.Tool != "list_buildings").ToList();
        calls.Select(c => c.Tool).Distinct().ShouldBe(tool == "-" ? [] : [tool], content);
        calls.Select(c => Describe(c.Arguments)).ShouldBe(tool == "-" ? [] : arguments.Split(" + ").Select(Exactly), content);
        content.ShouldContain(expected);

        // Whatever figure is in it, a tool gave it; and the address gives it again.
        answer.GetProperty("unverifiedNumbers").GetArrayLength().ShouldBe(0, $"{answer.GetProperty("unverifiedNumbers")} in: {content}");
        answer.GetProperty("citations").EnumerateArray().Select(c => c.GetProperty("tool").GetString()).Where(t => t != "list_buildings").Distinct()
            .ShouldBe(tool == "-" ? [] : [tool]);
    }

    [Fact]
    public void There_are_two_hundred_questions_and_more_in_both_languages()
    {
        var questions = Table("questions.tsv").Select(r => r[0]).ToList();
        questions.Distinct(StringComparer.OrdinalIgnoreCase).Count().ShouldBe(questions.Count);
        questions.Count.ShouldBeGreaterThanOrEqualTo(200);
    }

    [Theory]
    [InlineData("How much energy did the town hall use in October?")]
    [InlineData("Average temperature in the town hall last week")]
    [InlineData("Open alerts")]
    [InlineData("Anomalies in the town hall on 20 November")]
    [InlineData("Data gaps in Lena Office on 18 November")]
    [InlineData("Energy forecast for tomorrow")]
    [InlineData("Which building cost the most last month?")]
    public async Task A_citation_gives_the_figures_again(string question)
    {
        using var client = city.Gateway.CreateClient(city.City.AccessToken);
        using var response = await client.AskAsync(question);
        var citations = (await response.ReadAsync(HttpStatusCode.OK)).GetProperty("citations").EnumerateArray().ToList();
        citations.ShouldNotBeEmpty();
        foreach (var url in citations.Select(c => c.GetProperty("url").GetString()!))
        {
            url.ShouldStartWith("/api/v1/citypulse/");
            (await city.City.Client.GetAsync(url)).StatusCode.ShouldBe(HttpStatusCode.OK, url);
        }
    }

    /// <summary>In the table's words: a building by its name, a period by its own.</summary>
    private string Describe(JsonElement arguments)
    {
        var given = arguments.EnumerateObject().ToDictionary(a => a.Name, a => a.Value.ToString());
        var parts = new List<string>();
        foreach (var (from, to, name) in new[] { ("from", "to", "in"), ("otherFrom", "otherTo", "with") })
        {
            if (given.Remove(from, out var start) && given.Remove(to, out var end))
            {
                parts.Add($"{name}={Periods.FirstOrDefault(p => p.Value == (start, end)).Key ?? $"{start}..{end}"}");
            }
        }

        if (given.Remove("buildingId", out var id))
        {
            parts.Add($"building={city.Buildings.Single(b => b.Value.ToString() == id).Key}");
        }

        return string.Join(' ', parts.Concat(given.Where(a => a.Key is not "limit" || a.Value is not ("0" or "500")).Select(a => $"{a.Key}={a.Value}")));
    }

    /// <summary>Several words can mean one period; the first of the table stands for all.</summary>
    private static string Exactly(string arguments) => string.Join(' ', arguments.Split(' ').Select(a => a.Split('=') is ["in" or "with", var period]
        ? $"{a.Split('=')[0]}={Periods.First(p => p.Value == Periods[period]).Key}"
        : a));

    private static IEnumerable<string[]> Table(string file) => File.ReadLines(NodeScript.Source($"CityPulse.Tests/AiGateway/Local/{file}"))
        .Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split('\t'));
}
