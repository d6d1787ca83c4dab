using System.Globalization;
using System.Text;
using CityPulse.AiGateway.Local.Domain;
using CityPulse.AiGateway.Tools;

namespace CityPulse.AiGateway.Local;

/// <summary>Puts tools' results into sentences. Figures are the tools' own: rounded for reading, with the address of the exact ones.</summary>
internal sealed partial class Wording(Language language)
{
    private readonly CultureInfo _culture = language == Language.German ? CultureInfo.GetCultureInfo("de-DE") : CultureInfo.InvariantCulture;

    public string Footer => Say(
        "Answered by the built-in assistant: by rules, not by a language model.",
        "Geantwortet hat der eingebaute Assistent: nach Regeln, kein Sprachmodell.");

    public string Help() => Say(
        """
        I am CityPulse's built-in assistant. I am not a language model: I answer questions on your city's data by rules. I can tell
        - how many buildings and sensors there are, and list them, also by use or status ("which sensors are offline?")
        - the latest values in a building ("what is the temperature in the town hall?")
        - average, lowest and highest of such values in a period ("average humidity in the library last week")
        - the energy, cost, emissions, peak or kWh/m² of a building or of all in a period ("how much gas did the school use last month?")
        - which building used, cost or emitted the most or the least ("the highest in October", "lowest kWh/m² this year")
        - how two periods compare ("compare this month with the month before")
        - the energy of the next hours and days ("forecast for tomorrow")
        - alerts, unusual readings and gaps in the data ("open alerts", "anomalies in the town hall since Monday", "data gaps yesterday")
        Periods may be words (today, last week, since Monday, the last seven days, October 2025, Q3) or dates (2026-10-01 to 2026-10-15).
        """,
        """
        Ich bin der eingebaute Assistent von CityPulse. Ich bin kein Sprachmodell: Ich beantworte Fragen zu den Daten Ihrer Stadt nach Regeln. Ich kann sagen,
        - wie viele Gebäude und Sensoren es gibt und welche, auch nach Nutzung oder Zustand („Welche Sensoren sind offline?“)
        - die neuesten Werte eines Gebäudes („Wie ist die Temperatur im Rathaus?“)
        - Mittel, Tiefst- und Höchstwert solcher Werte in einem Zeitraum („Durchschnittliche Luftfeuchte in der Bibliothek letzte Woche“)
        - Energie, Kosten, Emissionen, Lastspitze oder kWh/m² eines Gebäudes oder aller in einem Zeitraum („Wie viel Gas hat die Schule letzten Monat verbraucht?“)
        - welches Gebäude am meisten oder am wenigsten verbraucht, gekostet oder ausgestoßen hat („Höchste Kosten im Oktober“)
        - wie sich zwei Zeiträume vergleichen („Vergleiche diesen Monat mit dem Monat davor“)
        - die Energie der nächsten Stunden und Tage („Prognose für morgen“)
        - Alarme, auffällige Messwerte und Datenlücken („Offene Alarme“, „Auffälligkeiten im Rathaus seit Montag“, „Datenlücken gestern“)
        Zeiträume in Worten (heute, letzte Woche, seit Montag, die letzten sieben Tage, Oktober 2025, Q3) oder als Daten (2026-10-01 bis 2026-10-15).
        """).ReplaceLineEndings("\n");

    public string NotUnderstood() => Say("I did not understand that question. ", "Diese Frage habe ich nicht verstanden. ") + "\n" + Help();

    public string Beyond(BeyondRules what) => what switch
    {
        BeyondRules.Date => Say("I cannot read that date; write it like 2026-10-31.", "Dieses Datum kann ich nicht lesen; bitte wie 2026-10-31 schreiben."),
        BeyondRules.Tariffs => Say("I cannot tell tariffs and prices; GET /api/v1/citypulse/energy/tariffs does. I can tell what energy cost.",
            "Tarife und Preise kann ich nicht nennen; GET /api/v1/citypulse/energy/tariffs nennt sie. Was Energie gekostet hat, kann ich sagen."),
        BeyondRules.FarAhead => Say("I cannot look further ahead than a week.", "Weiter als eine Woche kann ich nicht vorausschauen."),
        BeyondRules.OtherForecast => Say("I can look ahead at energy in kWh only.", "Vorhersagen kann ich nur die Energie in kWh."),
        BeyondRules.OtherComparison => Say("I can compare energy only; of other quantities I can tell one period at a time.",
            "Vergleichen kann ich nur Energie; von anderen Größen kann ich je einen Zeitraum nennen."),
        BeyondRules.OneAtATime => Say("Of that I can tell one building at a time.", "Davon kann ich je ein Gebäude nennen."),
        BeyondRules.Explanation => Say("I cannot explain why: I only look figures up.", "Gründe kann ich nicht nennen: Ich schlage nur Zahlen nach."),
        BeyondRules.Writing => Say("I only read; I cannot change anything.", "Ich lese nur und kann nichts ändern."),
        _ => NotUnderstood(),
    } + "\n" + Help();

    public string Ambiguous(IReadOnlyList<KnownBuilding> buildings) =>
        Say("Several buildings could be meant: ", "Mehrere Gebäude könnten gemeint sein: ") + Names(buildings.Select(b => b.Name).Order(StringComparer.Create(_culture, ignoreCase: false)).Take(8))
        + (buildings.Count > 8 ? Say(" and more", " und weitere") : "") + Say(". Please give the full name.", ". Bitte den vollen Namen angeben.");

    public string NoSuchBuilding(string name, IReadOnlyList<KnownBuilding> similar) =>
        Say($"I know no building called “{name}”.", $"Ein Gebäude „{name}“ kenne ich nicht.")
        + (similar.Count > 0 ? Say(" Did you mean ", " Gemeint vielleicht: ") + Names(similar.Select(b => b.Name)) + "?" : "");

    public string Failed(ToolError error) => Say("I could not look that up. ", "Das konnte ich nicht nachschlagen. ") + error.Error;

    public string BuildingCount(BuildingsResult all, IReadOnlyList<BuildingItem> matching, string? use) => use is null
        ? Say($"There are {Exactly(all)} buildings.", $"Es gibt {Exactly(all)} Gebäude.") + Source(all.Source)
        : Say($"There are {Text(matching.Count)} buildings of use “{use}”, of {Exactly(all)} in all.",
            $"Es gibt {Text(matching.Count)} Gebäude mit der Nutzung „{use}“, von {Exactly(all)} insgesamt.") + Source(all.Source);

    public string BuildingList(BuildingsResult all, IReadOnlyList<BuildingItem> matching, string? use)
    {
        const int Most = 30;
        var text = new StringBuilder(BuildingCount(all with { Source = "" }, matching, use));
        foreach (var building in matching.OrderBy(b => b.Name, StringComparer.Ordinal).Take(Most))
        {
            text.Append(_culture, $"\n- {building.Name} ({building.Use}, {Text(building.FloorAreaM2)} m²{(building.City is { } city ? ", " + city : "")})");
        }

        if (matching.Count > Most)
        {
            text.Append(Say($"\n… and {Text(matching.Count - Most)} more.", $"\n… und {Text(matching.Count - Most)} weitere."));
        }

        return text + Source(all.Source);
    }

    public string Sensors(Question question, SensorsResult result, IReadOnlyDictionary<Guid, string> buildings)
    {
        const int Most = 20;
        var where = question.Buildings.Count > 0 ? Say($" in {question.Buildings[0].Name}", $" in {question.Buildings[0].Name}") : "";
        var what = string.Join(' ', new[] { question.Status, question.Quantity }.Where(w => w is not null));
        var more = result.Complete ? "" : Say("at least ", "mindestens ");
        var text = new StringBuilder(result.Count == 0
            ? Say($"There are no {what} sensors{where}.", $"Es gibt keine Sensoren{where} ({what}).").Replace("  ", " ", StringComparison.Ordinal).Replace(" ()", "", StringComparison.Ordinal)
            : Say($"There are {more}{Text(result.Count)} {what} sensors{where}", $"Es gibt {more}{Text(result.Count)} Sensoren{where}{(what.Length > 0 ? $" ({what})" : "")}")
                .Replace("  ", " ", StringComparison.Ordinal));
        if (result.Count > 0)
        {
            text.Append(question.Status is null ? ": " + string.Join(", ", result.ByStatus.Select(s => $"{Text(s.Value)} {s.Key}")) + "." : ".");
        }

        if (question.Kind == QuestionKind.ListSensors)
        {
            foreach (var sensor in result.Items.Take(Most))
            {
                var at = sensor.LastAt is { } last ? Say(", last at ", ", zuletzt ") + PeriodResolver.Utc(last) : "";
                text.Append(_culture, $"\n- {sensor.Name}, {buildings.GetValueOrDefault(sensor.BuildingId, "?")} ({sensor.Quantity}, {sensor.Status}{at})");
            }

            if (result.Count > Most)
            {
                text.Append(Say($"\n… and {Text(result.Count - Most)} more.", $"\n… und {Text(result.Count - Most)} weitere."));
            }
        }

        return text + Source(result.Source);
    }

    public string Latest(Question question, SensorsResult result, IReadOnlyDictionary<Guid, string> buildings)
    {
        const int Most = 15;
        var where = question.Buildings.Count > 0 ? $" in {question.Buildings[0].Name}" : "";
        var read = result.Items.Where(s => s.LastAt is not null).OrderByDescending(s => s.LastAt).ToList();
        if (read.Count == 0)
        {
            return Say($"There is no reading{(question.Quantity is { } q ? " of " + q : "")}{where}.",
                $"Es gibt keinen Messwert{(question.Quantity is { } g ? " von " + g : "")}{where}.") + Source(result.Source);
        }

        var text = new StringBuilder(Say($"Latest readings{where}:", $"Neueste Messwerte{where}:"));
        foreach (var sensor in read.Take(Most))
        {
            var building = question.Buildings.Count > 0 ? "" : $", {buildings.GetValueOrDefault(sensor.BuildingId, "?")}";
            text.Append(_culture, $"\n- {sensor.Name}{building}: {Text(sensor.LastValue!.Value)} {Unit(sensor.Unit)} ({PeriodResolver.Utc(sensor.LastAt!.Value)}, {sensor.Status})");
        }

        if (read.Count > Most)
        {
            text.Append(Say($"\n… and {Text(read.Count - Most)} more; name a building for fewer.", $"\n… und {Text(read.Count - Most)} weitere; mit einem Gebäude sind es weniger."));
        }

        return text + Source(result.Source);
    }

    public string Energy(Question question, Plan plan, IReadOnlyList<EnergyResult> results)
    {
        var text = new StringBuilder();
        for (var i = 0; i < results.Count; i++)
        {
            var who = question.Buildings.Count > i ? question.Buildings[i].Name : Say("All buildings together", "Alle Gebäude zusammen");
            text.Append(i > 0 ? "\n" : "").Append(_culture, $"{who}: {Figure(question, results[i])}{Carrier(question)} {In(plan.Period!, plan)}.").Append(Coverage(results[i].Coverage));
        }

        if (results.Count > 1)
        {
            text.Append('\n').Append(Say($"Together {Text(results.Sum(r => r.Kwh))} kWh.", $"Zusammen {Text(results.Sum(r => r.Kwh))} kWh."));
        }

        if (results.Count == 2)
        {
            text.Append('\n').Append(Change(question, results[0], results[1]));
        }

        return text + When(plan) + string.Concat(results.Select(r => Source(r.Source)));
    }

    public string Comparison(Question question, Plan plan, ComparisonResult result)
    {
        var who = question.Buildings.Count > 0 ? question.Buildings[0].Name : Say("All buildings together", "Alle Gebäude zusammen");
        var text = new StringBuilder()
            .Append(_culture, $"{who}: {Figure(question, result.First)}{Carrier(question)} {In(plan.Period!, plan)}, ")
            .Append(_culture, $"{Figure(question, result.Second)} {In(plan.Other!, plan)}.")
            .Append(Coverage(Math.Min(result.First.Coverage, result.Second.Coverage)))
            .Append('\n').Append(Change(question, result.First, result.Second));
        var (first, second) = ((plan.Period!.To - plan.Period.From).TotalDays, (plan.Other!.To - plan.Other.From).TotalDays);
        if (Math.Abs(first - second) > 0.1 * Math.Max(first, second))
        {
            text.Append(Say($" Mind that the periods have {first:0.#} and {second:0.#} days.", $" Die Zeiträume haben {first.ToString("0.#", _culture)} und {second.ToString("0.#", _culture)} Tage."));
        }

        return text + When(plan) + Source(result.First.Source) + Source(result.Second.Source);
    }

    public string Ranking(Question question, Plan plan, RankingResult result)
    {
        if (result.Items.Count == 0)
        {
            return Say("No building has data ", "Kein Gebäude hat Daten ") + In(plan.Period!, plan) + "." + When(plan) + Source(result.Source);
        }

        var first = result.Items[0];
        var what = question.Metric switch
        {
            "eui" => Say("energy per floor area", "Energie je Fläche"),
            "co2" => Say("CO₂", "CO₂"),
            _ => question.Carrier ?? Say("energy", "Energie"),
        };
        var end = question.Least ? Say("least", "wenigsten") : Say("most", "meisten");
        var figure = $"{Text(first.Value!.Value)} {result.Unit}";
        var text = new StringBuilder(question.Metric == "cost"
            ? Say($"{first.Name} cost the {end} {In(plan.Period!, plan)}: {figure}.", $"{first.Name} hat {In(plan.Period!, plan)} am {end} gekostet: {figure}.")
            : Say($"{first.Name} used the {end} {what} {In(plan.Period!, plan)}: {figure}.", $"{first.Name} hat {In(plan.Period!, plan)} am {end} {what} verbraucht: {figure}."))
            .Append(Coverage(first.Coverage));
        for (var i = 1; i < result.Items.Count; i++)
        {
            var item = result.Items[i];
            text.Append(_culture, $"\n{i + 1}. {item.Name}: {Text(item.Value!.Value)} {result.Unit}{(item.Coverage < 0.99 ? Coverage(item.Coverage) : "")}");
        }

        if (result.WithoutData > 0)
        {
            text.Append(Say($"\n{Text(result.WithoutData)} buildings are left out: nothing is known of them.", $"\n{Text(result.WithoutData)} Gebäude fehlen: Von ihnen ist nichts bekannt."));
        }

        return text + When(plan) + Source(result.Source);
    }

    private string Figure(Question question, EnergyResult result)
    {
        if (question.AsksPeak)
        {
            return result.PeakKw is { } peak
                ? Say($"peak {Text(peak)} kW at {PeriodResolver.Utc(result.PeakAt!.Value)}, {Text(result.Kwh)} kWh",
                    $"Spitze {Text(peak)} kW um {PeriodResolver.Utc(result.PeakAt!.Value)}, {Text(result.Kwh)} kWh")
                    + (result.LoadFactor is { } factor ? Say($", load factor {Text(factor)}", $", Lastfaktor {Text(factor)}") : "")
                : Say("no peak, there was no consumption", "keine Spitze, es gab keinen Verbrauch");
        }

        return question.Metric switch
        {
            "co2" => result.Co2Kg is { } kg ? $"{Text(kg)} kg CO₂, {Text(result.Kwh)} kWh" : $"{Unknown(result, "co2Kg", "CO₂")}, {Text(result.Kwh)} kWh",
            "cost" => result.Cost is { } cost ? $"{Money(cost)} {result.Currency}, {Text(result.Kwh)} kWh" : $"{Unknown(result, "cost", Say("cost", "Kosten"))}, {Text(result.Kwh)} kWh",
            "eui" => result.EuiKwhPerM2Year is { } eui ? $"{Text(eui)} kWh/(m²·a), {Text(result.Kwh)} kWh" : $"{Unknown(result, "euiKwhPerM2Year", "kWh/m²")}, {Text(result.Kwh)} kWh",
            _ => $"{Text(result.Kwh)} kWh",
        };
    }

    private string Unknown(EnergyResult result, string member, string what) =>
        $"{what} {Say("unknown", "unbekannt")} ({result.Notes.GetValueOrDefault(member, "?").TrimEnd('.')})";

    /// <summary>Of what was asked for, where both periods have it; else of the energy.</summary>
    private string Change(Question question, EnergyResult first, EnergyResult second) => question switch
    {
        { Metric: "cost" } when first.Cost is { } a && second.Cost is { } b && first.Currency == second.Currency => Change(a, b, first.Currency!),
        { Metric: "co2" } when first.Co2Kg is { } a && second.Co2Kg is { } b => Change(a, b, "kg CO₂"),
        { Metric: "eui" } when first.EuiKwhPerM2Year is { } a && second.EuiKwhPerM2Year is { } b => Change(a, b, "kWh/(m²·a)"),
        { AsksPeak: true } when first.PeakKw is { } a && second.PeakKw is { } b => Change(a, b, "kW"),
        _ => Change(first.Kwh, second.Kwh, "kWh"),
    };

    private string Change(double first, double second, string unit) => second > 0
        ? Say($"That is {Text(Math.Abs(first - second))} {unit} ({Text(Math.Abs(first - second) / second * 100)} %) {(first < second ? "less" : "more")}.",
            $"Das sind {Text(Math.Abs(first - second))} {unit} ({Text(Math.Abs(first - second) / second * 100)} %) {(first < second ? "weniger" : "mehr")}.")
        : Say($"There is nothing to compare with: 0 {unit}.", $"Es gibt nichts zum Vergleichen: 0 {unit}.");

    private string Carrier(Question question) => question.Carrier is { } carrier ? Say($" of {carrier}", $" ({carrier})") : "";

    private string In(Period period, Plan plan) => Say("in ", "im Zeitraum ") + PeriodWords.Describe(period, plan.Zone, language);

    private string Coverage(double coverage) => coverage switch
    {
        <= 0 => Say(" There is no data for it.", " Dafür gibt es keine Daten."),
        < 0.99 => Say($" Data covers {Text(coverage * 100)} % of the time.", $" Die Daten decken {Text(coverage * 100)} % der Zeit."),
        _ => "",
    };

    private string When(Plan plan)
    {
        var exact = Exactly(plan.Period!) + (plan.Other is { } other ? Say(" and ", " und ") + Exactly(other) : "");
        var zone = plan.ZoneReason switch
        {
            ZoneReason.Building => Say("the building's time zone", "die Zeitzone des Gebäudes"),
            ZoneReason.Common => Say("the time zone of all buildings", "die Zeitzone aller Gebäude"),
            ZoneReason.MostCommon => Say("the time zone of most buildings; others lie elsewhere", "die Zeitzone der meisten Gebäude; andere liegen anderswo"),
            _ => Say("there is no building to tell another zone", "kein Gebäude nennt eine andere"),
        };
        return Say($"\nPeriod: {exact}, days of {plan.Zone.Id} ({zone}).", $"\nZeitraum: {exact}, Tage von {plan.Zone.Id} ({zone}).")
            + (plan.PeriodAssumed ? Say(" You named no period, so I took the usual one.", " Ohne Angabe habe ich den üblichen Zeitraum genommen.") : "");
    }

    private string Source(string source) => source.Length == 0 ? "" : Say($"\nSource: GET {source}", $"\nQuelle: GET {source}");

    private string Exactly(BuildingsResult all) => (all.Complete ? "" : Say("at least ", "mindestens ")) + Text(all.Count);

    private string Text(double value) => value.ToString("0.##", _culture);

    private string Money(double value) => value.ToString("0.00", _culture);

    private string Text(int value) => value.ToString(_culture);

    private string Say(string english, string german) => language == Language.German ? german : english;

    private static string Exactly(Period period) => $"[{PeriodResolver.Utc(period.From)}, {PeriodResolver.Utc(period.To)})";

    private static string Names(IEnumerable<string> names) => string.Join(", ", names);

    private static string Unit(string ucum) => ucum switch
    {
        "Cel" => "°C",
        "[ppm]" => "ppm",
        "ug/m3" => "µg/m³",
        "m3" => "m³",
        "1" => "",
        _ => ucum,
    };
}
