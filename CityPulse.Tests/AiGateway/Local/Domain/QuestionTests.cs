using CityPulse.AiGateway.Local.Domain;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Local.Domain;

/// <summary>Questions as people ask them, and what the assistant does about each.</summary>
public sealed class QuestionTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 10, 30, 0, TimeSpan.Zero);

    private static readonly KnownBuilding Hall = new(Guid.Parse("00000000-0000-7000-8000-000000000001"), "Town Hall", "TH-1", "public", "Europe/Berlin");
    private static readonly KnownBuilding Lena = new(Guid.Parse("00000000-0000-7000-8000-000000000002"), "Office_Lena", null, "office", "Europe/Berlin");
    private static readonly KnownBuilding Lara = new(Guid.Parse("00000000-0000-7000-8000-000000000003"), "Office_Lara", null, "office", "Europe/Berlin");
    private static readonly KnownBuilding School = new(Guid.Parse("00000000-0000-7000-8000-000000000004"), "Goethe-Schule Süd", "B7", "school", "America/New_York");
    private static readonly KnownBuilding[] City = [Hall, Lena, Lara, School];

    [Theory]
    // Counting and listing.
    [InlineData("How many buildings are there?", "CountBuildings")]
    [InlineData("how many buildings do we have", "CountBuildings")]
    [InlineData("Wie viele Gebäude gibt es?", "CountBuildings")]
    [InlineData("Count the schools", "CountBuildings use=school")]
    [InlineData("how many schools are there?", "CountBuildings use=school")]
    [InlineData("List all buildings", "ListBuildings")]
    [InlineData("Which buildings are there?", "ListBuildings")]
    [InlineData("show me all offices", "ListBuildings use=office")]
    [InlineData("Zeige alle Gebäude", "ListBuildings")]
    [InlineData("How many sensors are there?", "CountSensors list_sensors()")]
    [InlineData("How many sensors does the town hall have?", "CountSensors list_sensors(building=1)")]
    [InlineData("Wie viele Sensoren sind offline?", "CountSensors list_sensors(status=offline)")]
    [InlineData("Which sensors are offline?", "ListSensors list_sensors(status=offline)")]
    [InlineData("are there any offline sensors in Office Lena?", "ListSensors list_sensors(building=2 status=offline)")]
    [InlineData("Welche Sensoren sind offline?", "ListSensors list_sensors(status=offline)")]
    // Latest values.
    [InlineData("What is the temperature in the town hall?", "Latest list_sensors(building=1 quantity=temperature)")]
    [InlineData("What is the current temperature in TH-1?", "Latest list_sensors(building=1 quantity=temperature)")]
    [InlineData("latest humidity at office_lena", "Latest list_sensors(building=2 quantity=humidity)")]
    [InlineData("Wie warm ist es im Town Hall?", "Latest list_sensors(building=1 quantity=temperature)")]
    [InlineData("Wie hoch ist die Luftfeuchtigkeit in der Goethe-Schule Süd gerade?", "Latest list_sensors(building=4 quantity=humidity)")]
    [InlineData("what is the co2 level in Lena right now", "Latest list_sensors(building=2 quantity=co2)")]
    [InlineData("latest readings of the town hall", "Latest list_sensors(building=1)")]
    // Energy.
    [InlineData("How much energy did the town hall use last month?", "Energy get_energy(2026-09-30T22:00:00Z..2026-10-31T23:00:00Z building=1)")]
    [InlineData("What was the consumption of Goethe Schule Sued in October?", "Energy get_energy(2026-10-01T04:00:00Z..2026-11-01T04:00:00Z building=4)")]
    [InlineData("How much electricity did we use yesterday?", "Energy get_energy(2026-11-22T23:00:00Z..2026-11-23T23:00:00Z carrier=electricity)")]
    [InlineData("total energy use this month", "Energy get_energy(2026-10-31T23:00:00Z..2026-11-24T10:30:00Z)")]
    [InlineData("how much gas did lara burn in 2025", "Energy get_energy(2024-12-31T23:00:00Z..2025-12-31T23:00:00Z building=3 carrier=gas)")]
    [InlineData("How much energy does the portfolio use?", "Energy get_energy(2026-11-17T10:30:00Z..2026-11-24T10:30:00Z)")]
    [InlineData("Wie viel Strom hat Town Hall letzten Monat verbraucht?", "Energy get_energy(2026-09-30T22:00:00Z..2026-10-31T23:00:00Z building=1 carrier=electricity)")]
    [InlineData("Wie hoch war der Energieverbrauch aller Gebäude gestern?", "Energy get_energy(2026-11-22T23:00:00Z..2026-11-23T23:00:00Z)")]
    [InlineData("What was the peak demand of the town hall last week?", "Energy peak get_energy(2026-11-15T23:00:00Z..2026-11-22T23:00:00Z building=1)")]
    [InlineData("CO2 emissions last year", "Energy co2 get_energy(2024-12-31T23:00:00Z..2025-12-31T23:00:00Z)")]
    [InlineData("energy of Lena and Lara last week", "Energy get_energy(2026-11-15T23:00:00Z..2026-11-22T23:00:00Z building=2) get_energy(2026-11-15T23:00:00Z..2026-11-22T23:00:00Z building=3)")]
    // Ranking.
    [InlineData("Which building used the most energy last month?", "Ranking rank_buildings(kwh most 5 2026-09-30T22:00:00Z..2026-10-31T23:00:00Z)")]
    [InlineData("which building consumed the most electricity last month", "Ranking rank_buildings(kwh most 5 2026-09-30T22:00:00Z..2026-10-31T23:00:00Z carrier=electricity)")]
    [InlineData("Who used the least energy in September 2026?", "Ranking rank_buildings(kwh least 5 2026-08-31T22:00:00Z..2026-09-30T22:00:00Z)")]
    [InlineData("top 10 consumers this year", "Ranking rank_buildings(kwh most 10 2025-12-31T23:00:00Z..2026-11-24T10:30:00Z)")]
    [InlineData("rank the buildings by energy use in October", "Ranking rank_buildings(kwh most 5 2026-09-30T22:00:00Z..2026-10-31T23:00:00Z)")]
    [InlineData("Which school used the most energy last month?", "Ranking rank_buildings(kwh most 5 2026-09-30T22:00:00Z..2026-10-31T23:00:00Z use=school)")]
    [InlineData("Which building emitted the most CO2 last year?", "Ranking co2 rank_buildings(co2 most 5 2024-12-31T23:00:00Z..2025-12-31T23:00:00Z)")]
    [InlineData("which building has the highest energy use intensity this year", "Ranking eui rank_buildings(eui most 5 2025-12-31T23:00:00Z..2026-11-24T10:30:00Z)")]
    [InlineData("Which is the most efficient building of last year?", "Ranking eui rank_buildings(eui least 5 2024-12-31T23:00:00Z..2025-12-31T23:00:00Z)")]
    [InlineData("Welches Gebäude hat letzten Monat am meisten Energie verbraucht?", "Ranking rank_buildings(kwh most 5 2026-09-30T22:00:00Z..2026-10-31T23:00:00Z)")]
    [InlineData("Welches Gebäude hat im Oktober am wenigsten Strom verbraucht?", "Ranking rank_buildings(kwh least 5 2026-09-30T22:00:00Z..2026-10-31T23:00:00Z carrier=electricity)")]
    // Comparing.
    [InlineData("Compare last month with the month before", "Compare compare_energy(2026-09-30T22:00:00Z..2026-10-31T23:00:00Z with 2026-08-31T22:00:00Z..2026-09-30T22:00:00Z)")]
    [InlineData("compare the energy of the town hall in October and September", "Compare compare_energy(2026-09-30T22:00:00Z..2026-10-31T23:00:00Z with 2026-08-31T22:00:00Z..2026-09-30T22:00:00Z building=1)")]
    [InlineData("Did we use more or less energy last week than the week before?", "Compare compare_energy(2026-11-15T23:00:00Z..2026-11-22T23:00:00Z with 2026-11-08T23:00:00Z..2026-11-15T23:00:00Z)")]
    [InlineData("last month versus the same month last year", "Compare compare_energy(2026-09-30T22:00:00Z..2026-10-31T23:00:00Z with 2025-09-30T22:00:00Z..2025-10-31T23:00:00Z)")]
    [InlineData("Vergleiche den Verbrauch letzten Monat mit dem Monat davor", "Compare compare_energy(2026-09-30T22:00:00Z..2026-10-31T23:00:00Z with 2026-08-31T22:00:00Z..2026-09-30T22:00:00Z)")]
    [InlineData("Compare Office_Lena and Office_Lara last week", "Compare get_energy(2026-11-15T23:00:00Z..2026-11-22T23:00:00Z building=2) get_energy(2026-11-15T23:00:00Z..2026-11-22T23:00:00Z building=3)")]
    // Help, and what is beyond.
    [InlineData("Hello", "Help")]
    [InlineData("What can you do?", "Help")]
    [InlineData("Are you a language model?", "Help")]
    [InlineData("Was kannst du?", "Help")]
    [InlineData("How much did the energy cost last month?", "Energy cost get_energy(2026-09-30T22:00:00Z..2026-10-31T23:00:00Z)")]
    [InlineData("Was hat der Strom letzten Monat gekostet?", "Energy cost get_energy(2026-09-30T22:00:00Z..2026-10-31T23:00:00Z carrier=electricity)")]
    [InlineData("How much energy did we use on 31.02.2026?", "Unsupported Date")]
    [InlineData("What will the energy use be tomorrow?", "Forecast get_forecast(2026-11-24T23:00:00Z..2026-11-25T23:00:00Z)")]
    [InlineData("Are there any open alerts?", "Alerts list_alerts()")]
    [InlineData("Why did the town hall use so much energy?", "Unsupported Explanation")]
    [InlineData("What was the average temperature last month?", "Statistics get_readings(2026-09-30T22:00:00Z..2026-10-31T23:00:00Z quantity=temperature)")]
    [InlineData("delete the town hall", "Unsupported Writing")]
    [InlineData("What is the meaning of life?", "Unknown")]
    [InlineData("asdf", "Unknown")]
    [InlineData("temperature in Lena and Lara", "Unsupported OneAtATime")]
    // Names.
    [InlineData("How much energy did the school use last month?", "Energy get_energy(2026-10-01T04:00:00Z..2026-11-01T04:00:00Z building=4)")]
    [InlineData("How much energy did our offices use yesterday?", "Energy get_energy(2026-11-22T23:00:00Z..2026-11-23T23:00:00Z building=2) get_energy(2026-11-22T23:00:00Z..2026-11-23T23:00:00Z building=3)")]
    [InlineData("How much energy did the hospital use yesterday?", "name=hospital")]
    [InlineData("How much energy did the Opera use last month?", "name=opera")]
    [InlineData("How much energy did \"Opera House\" use last month?", "name=Opera House")]
    [InlineData("temperature in Berghain", "name=berghain")]
    [InlineData("Wie viel Strom hat das Stadtbad gestern verbraucht?", "name=stadtbad")]
    public void A_question_becomes_a_tool_call(string text, string expected) => Describe(text).ShouldBe(expected);

    [Theory]
    [InlineData("How much energy did the town hall use last month?|and the month before?", "Energy get_energy(2026-08-31T22:00:00Z..2026-09-30T22:00:00Z building=1)")]
    [InlineData("How much energy did the town hall use last month?|and Lena?", "Energy get_energy(2026-09-30T22:00:00Z..2026-10-31T23:00:00Z building=2)")]
    [InlineData("Which building used the most energy last month?|And in September?", "Ranking rank_buildings(kwh most 5 2026-08-31T22:00:00Z..2026-09-30T22:00:00Z)")]
    [InlineData("Welches Gebäude hat letzten Monat am meisten Strom verbraucht?|und im September?", "Ranking rank_buildings(kwh most 5 2026-08-31T22:00:00Z..2026-09-30T22:00:00Z carrier=electricity)")]
    [InlineData("What is the temperature in the town hall?|and in Lara?", "Latest list_sensors(building=3 quantity=temperature)")]
    [InlineData("What is the temperature in the town hall?|thank you", "Unknown")]
    public void A_follow_up_goes_on_from_the_question_before(string turns, string expected) => Describe(turns.Split('|')).ShouldBe(expected);

    [Fact]
    public void A_word_of_several_names_is_asked_back()
    {
        KnownBuilding[] towers = [Hall with { Name = "Zephyr North" }, Lena with { Name = "Zephyr South" }];
        var question = QuestionParser.Parse("How much energy did zephyr use last month?", towers);
        question.Ambiguous.Count.ShouldBe(2);
        question.Buildings.ShouldBeEmpty();
        QuestionParser.Parse("How much energy did zephyr south use last month?", towers).Buildings.ShouldHaveSingleItem().Name.ShouldBe("Zephyr South");
    }

    [Fact]
    public void A_mistyped_name_brings_the_similar_ones() =>
        BuildingNames.Similar("Offce_Lena", City).Select(b => b.Name).ShouldContain("Office_Lena");

    [Fact]
    public void A_name_may_look_like_a_period_or_a_quantity()
    {
        KnownBuilding[] odd = [Hall with { Name = "October House" }, Lena with { Name = "Power Station 2025" }];
        var question = QuestionParser.Parse("How much energy did October House use in September?", odd);
        question.Buildings.ShouldHaveSingleItem().Name.ShouldBe("October House");
        question.Periods.ShouldHaveSingleItem().ShouldBe(new PeriodPhrase.OfMonth(9, null));
        var station = QuestionParser.Parse("energy of power station 2025 yesterday", odd);
        station.Kind.ShouldBe(QuestionKind.Energy);
        station.Periods.ShouldHaveSingleItem().ShouldBe(new PeriodPhrase.Calendar(TimeUnit.Day, 1));
    }

    [Fact]
    public void The_zone_is_the_buildings_or_the_common_one_or_that_of_most()
    {
        Zone("energy of Goethe-Schule Süd yesterday", City).ShouldBe(("America/New_York", ZoneReason.Building));
        Zone("total energy yesterday", City).ShouldBe(("Europe/Berlin", ZoneReason.MostCommon));
        Zone("total energy yesterday", [Hall, Lena]).ShouldBe(("Europe/Berlin", ZoneReason.Common));
        Zone("total energy yesterday", []).ShouldBe(("UTC", ZoneReason.None));

        static (string, ZoneReason) Zone(string text, KnownBuilding[] buildings)
        {
            var plan = Planner.Make(QuestionParser.Parse(text, buildings), Now, buildings);
            return (plan.Zone.Id, plan.ZoneReason);
        }
    }

    [Theory]
    [InlineData("Which building used the most energy last month?", "English")]
    [InlineData("Welches Gebäude hat am meisten verbraucht?", "German")]
    [InlineData("Strom gestern?", "German")]
    [InlineData("asdf", "English")]
    public void The_language_of_the_question_is_that_of_the_answer(string text, string language) =>
        QuestionParser.Parse(text, City).Language.ToString().ShouldBe(language);

    private static string Describe(params string[] turns)
    {
        var question = turns.Aggregate((Question?)null, (previous, text) => QuestionParser.Parse(text, City, previous))!;
        if (question.UnknownName is { } name)
        {
            return $"name={name}";
        }

        var plan = Planner.Make(question, Now, City);
        var parts = new List<string> { question.Kind.ToString() };
        parts.AddRange(question.Kind == QuestionKind.Unsupported ? [question.Beyond.ToString()] : []);
        parts.AddRange(question.AsksPeak && plan.Calls.Count > 0 ? ["peak"] : []);
        parts.AddRange(question.Metric != "kwh" && plan.Calls.Count > 0 ? [question.Metric] : []);
        parts.AddRange(question.Use is not null && plan.Calls.Count == 0 && question.Kind != QuestionKind.Unknown ? [$"use={question.Use}"] : []);
        parts.AddRange(plan.Calls.Select(Describe));
        return string.Join(' ', parts);
    }

    private static string Describe(PlannedCall call)
    {
        var a = call.Arguments;
        var parts = new List<string>();
        if (call.Tool == "rank_buildings")
        {
            parts.Add($"{a["metric"]} {a["order"]} {a["limit"]}");
        }

        if (a.TryGetValue("from", out var from))
        {
            parts.Add($"{from}..{a["to"]}");
        }

        if (a.TryGetValue("otherFrom", out var other))
        {
            parts.Add($"with {other}..{a["otherTo"]}");
        }

        if (a.TryGetValue("buildingId", out var id))
        {
            parts.Add($"building={((string)id!)[^1]}");
        }

        parts.AddRange(new[] { "carrier", "quantity", "status", "use" }.Where(a.ContainsKey).Select(n => $"{n}={a[n]}"));
        return $"{call.Tool}({string.Join(' ', parts)})";
    }
}
