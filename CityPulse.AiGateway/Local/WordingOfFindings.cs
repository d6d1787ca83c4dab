using System.Text;
using CityPulse.AiGateway.Local.Domain;
using CityPulse.AiGateway.Tools;

namespace CityPulse.AiGateway.Local;

/// <summary>What was measured, found and foreseen, in sentences.</summary>
internal sealed partial class Wording
{
    public string WhichOne(QuestionKind kind) => kind == QuestionKind.Anomalies
        ? Say("Of which building, or of which quantity? For example: “anomalies in the town hall since Monday”.",
            "Von welchem Gebäude oder von welcher Größe? Zum Beispiel: „Auffälligkeiten im Rathaus seit Montag“.")
        : Say("Of which building, or of which quantity? For example: “temperature in the town hall”.",
            "Von welchem Gebäude oder von welcher Größe? Zum Beispiel: „Temperatur im Rathaus“.");

    public string Statistics(Question question, Plan plan, ReadingsResult result, IReadOnlyDictionary<Guid, string> buildings)
    {
        var measured = result.Sensors.Where(s => s.Count > 0).ToList();
        if (measured.Count == 0)
        {
            return Say($"There are no readings of {question.Quantity}{Where(question)} {In(plan.Period!, plan)}.", $"Es gibt keine Messwerte von {question.Quantity}{Where(question)} {In(plan.Period!, plan)}.")
                + When(plan) + Sources(result.Sensors.Select(s => s.Source));
        }

        var text = new StringBuilder(Say($"{question.Quantity}{Where(question)} {In(plan.Period!, plan)}:", $"{question.Quantity}{Where(question)} {In(plan.Period!, plan)}:"));
        foreach (var sensor in question.Least ? measured.OrderBy(s => s.Lowest) : measured.OrderByDescending(s => s.Highest))
        {
            var unit = Unit(sensor.Unit);
            var name = question.Buildings.Count > 0 ? sensor.Name : $"{sensor.Name}, {buildings.GetValueOrDefault(sensor.BuildingId, "?")}";
            text.Append(_culture, $"\n- {name}: ");
            if (sensor.Total is { } total)
            {
                text.Append(Say($"{Text(total)} {unit} in all, ", $"zusammen {Text(total)} {unit}, "));
            }

            text.Append(Say(
                $"average {Text(sensor.Average ?? 0)} {unit}, lowest {Text(sensor.Lowest ?? 0)} {unit}, highest {Text(sensor.Highest ?? 0)} {unit}, {sensor.Count} readings",
                $"Mittel {Text(sensor.Average ?? 0)} {unit}, Tiefstwert {Text(sensor.Lowest ?? 0)} {unit}, Höchstwert {Text(sensor.Highest ?? 0)} {unit}, {sensor.Count} Messwerte"));
        }

        return text + NotAll(result.Complete) + When(plan) + Sources(measured.Select(s => s.Source));
    }

    public string Forecast(Question question, Plan plan, ForecastResult result)
    {
        var who = Who(question);
        if (result.TotalKwh is not { } total)
        {
            return Say($"{who}: there is no forecast {In(plan.Period!, plan)}.", $"{who}: Es gibt keine Vorhersage {In(plan.Period!, plan)}.")
                + (result.Note is { } note ? $" {note}" : "") + When(plan) + Source(result.Source);
        }

        var highest = result.Highest!;
        return Say(
                $"{who}: {Text(total)} kWh{Carrier(question)} expected {In(plan.Period!, plan)}, the most in the hour from {PeriodResolver.Utc(highest.At)}: {Text(highest.Value)} kWh ({Text(highest.Low)} to {Text(highest.High)} kWh in four of five cases).",
                $"{who}: {Text(total)} kWh{Carrier(question)} erwartet {In(plan.Period!, plan)}, am meisten in der Stunde ab {PeriodResolver.Utc(highest.At)}: {Text(highest.Value)} kWh ({Text(highest.Low)} bis {Text(highest.High)} kWh in vier von fünf Fällen).")
            + Say($"\nMethod: {result.Method}.", $"\nVerfahren: {result.Method}.") + (result.Note is { } said ? $" {said}" : "") + When(plan) + Source(result.Source);
    }

    public string Alerts(Question question, Plan plan, AlertsResult result, IReadOnlyDictionary<Guid, string> buildings)
    {
        const int Most = 10;
        var what = string.Join(' ', new[] { question.AlertState ?? (plan.Period is null ? "open" : null), question.Severity }.Where(w => w is not null));
        var when = plan.Period is { } period ? " " + In(period, plan) : "";
        var more = result.Complete ? "" : Say("at least ", "mindestens ");
        var text = new StringBuilder(result.Count == 0
            ? Say($"There are no {what} alerts{Where(question)}{when}.", $"Es gibt keine Alarme{Where(question)}{when} ({what}).")
            : Say($"There are {more}{Text(result.Count)} {what} alerts{Where(question)}{when}: ", $"Es gibt {more}{Text(result.Count)} Alarme{Where(question)}{when} ({what}): ")
                + string.Join(", ", result.BySeverity.Select(s => $"{Text(s.Value)} {s.Key}")) + ".");
        foreach (var alert in result.Items.Take(Most))
        {
            var value = alert.Value is { } v ? Say($", value {Text(v)}", $", Wert {Text(v)}") + (alert.Threshold is { } limit ? Say($", limit {Text(limit)}", $", Grenze {Text(limit)}") : "") : "";
            text.Append(_culture, $"\n- {alert.Severity}: “{alert.Message.ReplaceLineEndings(" ")}”, {buildings.GetValueOrDefault(alert.BuildingId, "?")} ({alert.State}, {PeriodResolver.Utc(alert.RaisedAt)}{value})");
        }

        if (result.Count > Most)
        {
            text.Append(Say($"\n… and {Text(result.Count - Most)} more.", $"\n… und {Text(result.Count - Most)} weitere."));
        }

        return text.ToString().Replace("  ", " ", StringComparison.Ordinal).Replace(" ()", "", StringComparison.Ordinal)
            + (plan.Period is null ? "" : When(plan)) + Source(result.Source);
    }

    public string Anomalies(Question question, Plan plan, AnomaliesResult result, IReadOnlyDictionary<Guid, string> buildings)
    {
        const int Most = 5;
        var text = new StringBuilder(result.Count == 0
            ? Say($"There are no unusual readings{Where(question)} {In(plan.Period!, plan)}.", $"Es gibt keine auffälligen Messwerte{Where(question)} {In(plan.Period!, plan)}.")
            : Say($"There are {Text(result.Count)} unusual readings{Where(question)} {In(plan.Period!, plan)}:", $"Es gibt {Text(result.Count)} auffällige Messwerte{Where(question)} {In(plan.Period!, plan)}:"));
        foreach (var sensor in result.Sensors.Where(s => s.Count > 0).OrderByDescending(s => s.Count))
        {
            var name = question.Buildings.Count > 0 ? sensor.Name : $"{sensor.Name}, {buildings.GetValueOrDefault(sensor.BuildingId, "?")}";
            var unit = Unit(sensor.Unit);
            foreach (var one in sensor.Worst.Take(Most))
            {
                text.Append(_culture, $"\n- {name}: {Text(one.Value)} {unit} ({PeriodResolver.Utc(one.At)}, ").Append(Say("expected ", "erwartet ")).Append(_culture, $"{Text(one.Expected)} {unit})");
            }
        }

        return text + NotAll(result.Complete) + When(plan) + Sources(result.Sensors.Select(s => s.Source));
    }

    public string DataQuality(Question question, Plan plan, QualityResult result)
    {
        const int Most = 5;
        var text = new StringBuilder(result.Completeness is not { } complete
            ? Say($"There are no sensors{Where(question)} that should have sent readings {In(plan.Period!, plan)}.", $"Es gibt keine Sensoren{Where(question)}, die {In(plan.Period!, plan)} etwas hätten senden sollen.")
            : Say(
                $"{Who(question)}: {Text(complete * 100)} % of the readings came {In(plan.Period!, plan)}; {Text(result.Gaps)} gaps in {Text(result.SensorsWithGaps)} of {Text(result.Sensors)} sensors.",
                $"{Who(question)}: {Text(complete * 100)} % der Messwerte kamen {In(plan.Period!, plan)}; {Text(result.Gaps)} Lücken in {Text(result.SensorsWithGaps)} von {Text(result.Sensors)} Sensoren."));
        foreach (var sensor in result.Worst.Where(s => s.GapCount > 0).Take(Most))
        {
            var since = sensor.LongestGapFrom is { } from ? Say(" from ", " ab ") + PeriodResolver.Utc(from) : "";
            text.Append(Say(
                $"\n- {sensor.Name} ({sensor.Quantity}): {sensor.Received} of {sensor.Expected} readings, longest gap {Text(sensor.LongestGapHours)} hours{since}",
                $"\n- {sensor.Name} ({sensor.Quantity}): {sensor.Received} von {sensor.Expected} Messwerten, längste Lücke {Text(sensor.LongestGapHours)} Stunden{since}"));
        }

        return text + When(plan) + Source(result.Source);
    }

    private string Who(Question question) => question.Buildings.Count > 0 ? question.Buildings[0].Name : Say("All buildings together", "Alle Gebäude zusammen");

    private static string Where(Question question) => question.Buildings.Count > 0 ? $" in {question.Buildings[0].Name}" : "";

    private string NotAll(bool complete) => complete ? "" : Say("\nThere are more such sensors; name a building for the others.", "\nEs gibt mehr solche Sensoren; mit einem Gebäude sind es die übrigen.");

    private string Sources(IEnumerable<string> sources) => string.Concat(sources.Distinct().Take(5).Select(Source));
}
