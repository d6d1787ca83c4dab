using System.Globalization;
using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Analytics.Domain;
using CityPulse.Api.Http;

namespace CityPulse.Api.Alerts;

/// <summary>What a condition must be, and what it means.</summary>
internal static class ConditionChecks
{
    private const int MaxDepth = 3;
    private const int MaxParts = 8;
    private const int MaxSeconds = 31 * 24 * 3600;
    private const double MaxPerMinutes = 24 * 60;

    private static readonly Dictionary<string, Comparison> Operators = new()
    {
        [">"] = Comparison.Above, [">="] = Comparison.AtLeast, ["<"] = Comparison.Below, ["<="] = Comparison.AtMost,
    };

    /// <summary>Each type with the members that it must and may have.</summary>
    private static readonly Dictionary<string, (string[] Required, string[] Optional)> Types = new()
    {
        ["threshold"] = (["operator", "value"], ["hysteresis", "forSeconds", "offDelaySeconds"]),
        ["rate_of_change"] = (["perMinutes", "value"], ["forSeconds", "offDelaySeconds"]),
        ["no_data"] = (["afterSeconds"], []),
        ["anomaly"] = ([], ["sensitivity"]),
        ["energy_budget"] = (["kwh", "period"], []),
        ["all"] = (["conditions"], ["forSeconds", "offDelaySeconds"]),
        ["any"] = (["conditions"], ["forSeconds", "offDelaySeconds"]),
    };

    public static void Check(Validator check, string path, ConditionModel? condition, int depth = 1)
    {
        if (condition is null)
        {
            check.Fail(path, $"{path} is required.");
            return;
        }

        if (condition.Type is null || !Types.TryGetValue(condition.Type, out var members))
        {
            check.Fail($"{path}.type", $"{path}.type must be one of {string.Join(", ", Types.Keys)}.");
            return;
        }

        foreach (var (name, value) in Members(condition))
        {
            check.Check(value is null || members.Required.Contains(name) || members.Optional.Contains(name),
                $"{path}.{name}", $"{name} is no member of the condition {condition.Type}.");
            check.Check(value is not null || !members.Required.Contains(name), $"{path}.{name}", $"{path}.{name} is required.");
        }

        check.OneOf($"{path}.operator", condition.Operator, Operators.Keys);
        check.Finite($"{path}.value", condition.Value);
        check.Check(condition.Type != "rate_of_change" || condition.Value is null or > 0, $"{path}.value", $"{path}.value must be above 0: it is a change, up or down.");
        check.Range($"{path}.hysteresis", condition.Hysteresis, 0, double.MaxValue);
        check.Range($"{path}.forSeconds", condition.ForSeconds, 0, MaxSeconds);
        check.Range($"{path}.offDelaySeconds", condition.OffDelaySeconds, 0, MaxSeconds);
        check.Positive($"{path}.perMinutes", condition.PerMinutes, MaxPerMinutes);
        check.Range($"{path}.afterSeconds", condition.AfterSeconds, 1, MaxSeconds);
        check.Range($"{path}.sensitivity", condition.Sensitivity, DetectorSettings.LeastSensitivity, DetectorSettings.MostSensitivity);
        check.Positive($"{path}.kwh", condition.Kwh, 1e12);
        check.OneOf($"{path}.period", condition.Period, Words.All<BudgetPeriod>());
        CheckParts(check, path, condition, depth);
    }

    /// <summary>What a model that <see cref="Check"/> found good means.</summary>
    public static AlertCondition ToDomain(this ConditionModel model) => model.Type switch
    {
        "threshold" => new ThresholdCondition(Operators[model.Operator!], model.Value!.Value, model.Hysteresis ?? 0, DelaysOf(model)),
        "rate_of_change" => new RateCondition(model.PerMinutes!.Value, model.Value!.Value, DelaysOf(model)),
        "no_data" => new NoDataCondition(model.AfterSeconds!.Value),
        "anomaly" => new AnomalyCondition(model.Sensitivity ?? DetectorSettings.DefaultSensitivity),
        "energy_budget" => new EnergyBudgetCondition(model.Kwh!.Value, Words.Parse<BudgetPeriod>(model.Period!)),
        "all" or "any" => new CombinedCondition(model.Type == "all", [.. model.Conditions!.Select(ToDomain)], DelaysOf(model)),
        _ => throw new InvalidOperationException($"A stored rule has a condition of the unknown type {model.Type}."),
    };

    /// <summary>The text of an alert whose rule has none of its own.</summary>
    public static string Describe(AlertCondition condition, string subject, string? unit, double? value) => condition switch
    {
        ThresholdCondition c => string.Create(CultureInfo.InvariantCulture,
            $"{subject}: {value} {unit} is {Operators.First(o => o.Value == c.Comparison).Key} {c.Value} {unit}"),
        RateCondition c => string.Create(CultureInfo.InvariantCulture, $"{subject}: changed by more than {c.Value} {unit} within {c.PerMinutes} min"),
        NoDataCondition c => string.Create(CultureInfo.InvariantCulture, $"{subject}: no reading for {c.AfterSeconds} s"),
        AnomalyCondition => string.Create(CultureInfo.InvariantCulture, $"{subject}: {value} {unit} is unusual for it"),
        EnergyBudgetCondition c => string.Create(CultureInfo.InvariantCulture, $"{subject}: more than {c.KWh} kWh this {Words.Of(c.Period)}"),
        CombinedCondition c => $"{subject}: {(c.All ? "all" : "one")} of {c.Conditions.Count} conditions {(c.All ? "hold" : "holds")}",
        _ => throw new ArgumentOutOfRangeException(nameof(condition), condition, "There is no such condition."),
    };

    private static void CheckParts(Validator check, string path, ConditionModel condition, int depth)
    {
        if (condition.Type is not ("all" or "any") || condition.Conditions is not { } parts)
        {
            return;
        }

        check.Check(parts.Count is >= 1 and <= MaxParts, $"{path}.conditions", $"{path}.conditions must have 1 to {MaxParts} entries.");
        if (!check.Check(depth < MaxDepth, $"{path}.conditions", $"Conditions must not be nested deeper than {MaxDepth}."))
        {
            return;
        }

        for (var i = 0; i < Math.Min(parts.Count, MaxParts); i++)
        {
            var part = string.Create(CultureInfo.InvariantCulture, $"{path}.conditions[{i}]");
            check.Check(parts[i]?.Type != "energy_budget", $"{part}.type", "energy_budget cannot be combined: it is about a whole day or month.");
            Check(check, part, parts[i], depth + 1);
        }
    }

    private static (string Name, object? Value)[] Members(ConditionModel c) =>
    [
        ("operator", c.Operator), ("value", c.Value), ("hysteresis", c.Hysteresis), ("forSeconds", c.ForSeconds),
        ("offDelaySeconds", c.OffDelaySeconds), ("perMinutes", c.PerMinutes), ("afterSeconds", c.AfterSeconds),
        ("sensitivity", c.Sensitivity), ("kwh", c.Kwh), ("period", c.Period), ("conditions", c.Conditions),
    ];

    private static Delays DelaysOf(ConditionModel model) => new(model.ForSeconds ?? 0, model.OffDelaySeconds ?? 0);
}
