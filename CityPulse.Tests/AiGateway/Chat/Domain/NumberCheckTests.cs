using System.Text.Json;
using CityPulse.AiGateway.Chat.Domain;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Chat.Domain;

/// <summary>Which numbers of an answer are covered by what tools gave.</summary>
public sealed class NumberCheckTests
{
    private const string Energy = """
        {"summary":"1234.5 kWh","source":"/api/v1/citypulse/energy?x=777","from":"2026-09-30T22:00:00Z","to":"2026-10-31T23:00:00Z","kwh":1234.5,"cost":370.35,"peakKw":12.5,
         "coverage":0.9,"id":"00000000-0000-7000-8000-000000000333","name":"School 7","loadFactor":0.4}
        """;

    private const string Two = """
        {"first":{"kwh":1500.25,"co2Kg":60},"second":{"kwh":1200,"co2Kg":48}}
        """;

    private const string List = """
        {"count":3,"items":[{"name":"A","use":"school"},{"name":"B","use":"school"},{"name":"C","use":"office"}]}
        """;

    [Theory]
    [InlineData("It used 1234.5 kWh.", Energy)]
    [InlineData("It used 1,234.5 kWh.", Energy)]
    [InlineData("Es waren 1.234,5 kWh.", Energy)]
    [InlineData("Es waren 1 234,5 kWh.", Energy)]
    [InlineData("It used about 1,235 kWh.", Energy)]
    [InlineData("It used about 1,230 kWh.", Energy)]
    [InlineData("It used 1.23 MWh.", Energy)]
    [InlineData("The peak was 12.5 kW, the load factor 40 %.", Energy)]
    [InlineData("Data cover 90 percent of the time.", Energy)]
    [InlineData("School 7 used 1234.5 kWh from 2026-10-01 to 2026-10-31.", Energy)]
    [InlineData("In October 2026, on 3 October at 10:15, and on Oct 4th.", Energy)]
    [InlineData("Source: GET /api/v1/citypulse/energy?x=999&from=2026-10-01T00:00:00Z", Energy)]
    [InlineData("CO2, PM2.5 and Q3 are names.", Energy)]
    [InlineData("1. School 7\n2. Town Hall", Energy)]
    [InlineData("That is 300.25 kWh or 25 % more.", Two)]
    [InlineData("Together 2,700.25 kWh and 108 kg.", Two)]
    [InlineData("There are 3 buildings, 2 of them schools.", List)]
    [InlineData("You asked for 42 things.", List)]
    public void Numbers_that_a_tool_gave_pass(string answer, string given) => Check(answer, given).ShouldBeEmpty();

    [Theory]
    [InlineData("It used 1300 kWh.", Energy, 1300)]
    [InlineData("It used 1234.9 kWh.", Energy, 1234.9)]
    [InlineData("It used 12345 kWh.", Energy, 12345)]
    [InlineData("The peak was 13.5 kW.", Energy, 13.5)]
    [InlineData("333 is a part of an id.", Energy, 333)]
    [InlineData("777 is in the address only.", Energy, 777)]
    [InlineData("The load factor is 41 %.", Energy, 41)]
    [InlineData("That is 26 % more.", Two, 26)]
    [InlineData("There are 5 buildings.", List, 5)]
    [InlineData("It used 2026.5 kWh.", List, 2026.5)]
    [InlineData("It used 2031 kWh.", List, 2031)]
    public void Numbers_from_nowhere_are_named(string answer, string given, double invented) => Check(answer, given).ShouldBe([invented]);

    [Fact]
    public void Without_tools_every_figure_comes_from_nowhere() =>
        NumberCheck.Unverified("It used 17 kWh, and 17 kWh, and 18.", "How much?", []).ShouldBe([17, 18]);

    [Fact]
    public void A_long_answer_on_many_figures_is_checked_all_the_same()
    {
        var given = JsonSerializer.SerializeToElement(Enumerable.Range(0, 5000).Select(i => new { value = i * 3.7, kwh = i + 0.5, name = $"Sensor {i}" }));
        NumberCheck.Unverified(string.Join('\n', Enumerable.Range(0, 500).Select(i => $"- {i}.5 kWh")) + "\n77777", "", [given]).ShouldBe([77777]);
    }

    private static IReadOnlyList<double> Check(string answer, string given) => NumberCheck.Unverified(answer, "Which 42 are there?", [JsonElement.Parse(given)]);
}
