using System.Globalization;
using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Local.Domain;

/// <summary>Takes a question apart by rules. What the rules do not cover stays <see cref="QuestionKind.Unknown"/>: no guess passes for an answer.</summary>
internal static partial class QuestionParser
{
    /// <param name="previous">The question before it, which "and in October?" goes on from.</param>
    public static Question Parse(string text, IReadOnlyList<KnownBuilding> buildings, Question? previous = null)
    {
        var normalized = Text.Normalize(text);
        var names = BuildingNames.Find(normalized, buildings);
        var (periods, rest) = PeriodParser.Parse(names.Rest);
        var language = Lexicon.LanguageOf(normalized);
        var question = new Question(QuestionKind.Unknown, language)
        {
            Periods = periods,
            Buildings = names.Buildings,
            Ambiguous = names.Ambiguous,
            Carrier = Lexicon.Carrier(rest),
            Quantity = Lexicon.Quantity(rest),
            Metric = Metric(rest),
            AsksPeak = PeakWords().IsMatch(rest),
            Least = LeastWords().IsMatch(rest),
            Top = Top(rest),
            Use = Lexicon.Use(rest),
            Status = Lexicon.State(rest),
        };

        question = Classify(question, rest);
        if (question.Kind == QuestionKind.Unknown && previous is not null && (periods.Count > 0 || names.Buildings.Count > 0 || names.Ambiguous.Count > 0))
        {
            question = GoOn(previous, question, normalized);
        }

        return question.Buildings.Count == 0 && question.Ambiguous.Count == 0 && NameLike(question) is true
            ? question with { UnknownName = UnknownName(rest, text) }
            : question;
    }

    private static Question Classify(Question question, string rest)
    {
        var aboutEnergy = EnergyWords().IsMatch(rest) || question.Carrier is not null || question.Metric != "kwh" || question.AsksPeak;
        var superlative = MostWords().IsMatch(rest) || question.Least;
        var sensors = SensorWords().IsMatch(rest);
        var buildings = BuildingWords().IsMatch(rest) || (question.Use is not null && !aboutEnergy);
        var counts = CountWords().IsMatch(rest);

        if (Beyond(rest, question) is var beyond and not BeyondRules.None)
        {
            return question with { Kind = QuestionKind.Unsupported, Beyond = beyond };
        }

        if (CompareWords().IsMatch(rest) && (aboutEnergy || question.Periods.Count > 0 || question.Buildings.Count > 1))
        {
            return question with { Kind = QuestionKind.Compare };
        }

        if (superlative && (aboutEnergy || RankWords().IsMatch(rest)) && question.Quantity is null or "electric_power")
        {
            return question with { Kind = QuestionKind.Ranking };
        }

        if (sensors && (question.Status is not null || counts))
        {
            return question with { Kind = counts ? QuestionKind.CountSensors : QuestionKind.ListSensors };
        }

        if (question.Quantity is not null && !(question.Quantity == "electric_power" && question.AsksPeak))
        {
            return sensors && ListWords().IsMatch(rest) && !LatestWords().IsMatch(rest)
                ? question with { Kind = QuestionKind.ListSensors }
                : question with
                {
                    Kind = StatisticsWords().IsMatch(rest) || superlative || question.Periods.Any(p => p is not PeriodPhrase.Calendar { Unit: TimeUnit.Day, Back: 0 })
                        ? QuestionKind.Unsupported
                        : QuestionKind.Latest,
                    Beyond = BeyondRules.Statistics,
                };
        }

        if (counts && buildings && !aboutEnergy)
        {
            return question with { Kind = QuestionKind.CountBuildings };
        }

        if (aboutEnergy)
        {
            return question with { Kind = QuestionKind.Energy };
        }

        if (LatestWords().IsMatch(rest))
        {
            return question with { Kind = QuestionKind.Latest };
        }

        if (sensors)
        {
            return question with { Kind = QuestionKind.ListSensors };
        }

        if (buildings && (ListWords().IsMatch(rest) || question.Use is not null))
        {
            return question with { Kind = QuestionKind.ListBuildings };
        }

        return HelpWords().IsMatch(rest) ? question with { Kind = QuestionKind.Help } : question;
    }

    private static BeyondRules Beyond(string rest, Question question) => rest switch
    {
        // Leaving it out and answering for another period would mislead.
        _ when DateLike().IsMatch(rest) => BeyondRules.Date,
        _ when CostWords().IsMatch(rest) => BeyondRules.Cost,
        _ when ForecastWords().IsMatch(rest) => BeyondRules.Forecast,
        _ when AlertWords().IsMatch(rest) => BeyondRules.Alerts,
        _ when WhyWords().IsMatch(rest) => BeyondRules.Explanation,
        _ when WriteWords().IsMatch(rest) && question.Periods.Count == 0 => BeyondRules.Writing,
        _ => BeyondRules.None,
    };

    /// <summary>What a follow-up leaves out is as before.</summary>
    private static Question GoOn(Question previous, Question next, string normalized)
    {
        // "and the month before?" refers to the period asked about; a comparison starts again from its first one.
        var periods = next.Periods.Count > 0 ? next.Periods : previous.Periods;
        if (periods is [PeriodPhrase.Before or PeriodPhrase.YearEarlier] && previous.Periods.Count > 0 && !ReferenceEquals(periods, previous.Periods))
        {
            periods = [.. periods, .. previous.Periods.Take(1)];
        }

        return previous with
        {
            Language = Lexicon.LanguageOf(normalized) == next.Language && normalized.Split(' ').Length > 2 ? next.Language : previous.Language,
            Periods = periods,
            Buildings = next.Buildings.Count > 0 || next.Ambiguous.Count > 0 ? next.Buildings : previous.Buildings,
            Ambiguous = next.Ambiguous,
            UnknownName = null,
        };
    }

    private static bool NameLike(Question question) => question.Kind
        is QuestionKind.Energy or QuestionKind.Latest or QuestionKind.ListSensors or QuestionKind.CountSensors or QuestionKind.Compare;

    /// <summary>Words that no rule knows, where a building's name would stand: answering for the whole portfolio instead would mislead.</summary>
    private static string? UnknownName(string rest, string original)
    {
        if (Quoted().Match(original) is { Success: true } quoted && quoted.Groups["name"].Value is { Length: > 1 } said)
        {
            return said;
        }

        var run = new List<string>();
        var best = new List<string>();
        foreach (var word in Text.Words(rest).Split(' ', StringSplitOptions.RemoveEmptyEntries).Append("the"))
        {
            if (!Lexicon.IsKnown(word))
            {
                run.Add(word);
                continue;
            }

            best = run.Count > best.Count ? run : best;
            run = [];
        }

        return best.Count > 0 ? string.Join(' ', best) : null;
    }

    private static string Metric(string rest) =>
        IntensityWords().IsMatch(rest) ? "eui" : CarbonWords().IsMatch(rest) && Lexicon.Quantity(rest) != "co2" ? "co2" : "kwh";

    private static int? Top(string rest)
    {
        var match = TopWords().Match(rest);
        if (!match.Success)
        {
            return null;
        }

        var digits = match.Groups["n"].Success ? match.Groups["n"].Value : match.Groups["m"].Value;
        return int.TryParse(digits, CultureInfo.InvariantCulture, out var n) && n is > 0 and <= 100 ? n : null;
    }

    [GeneratedRegex(@"\b(?:energy|energie\w*|consum\w*|usage|used?|uses|using|kwh|mwh|verbrauch\w*|verbraten|bedarf|stromverbrauch|demand)\b")]
    private static partial Regex EnergyWords();

    [GeneratedRegex(@"\b(?:most|highest|biggest|largest|greatest|maximum|max|worst|hungriest|top|rank\w*|meisten?|hoechste[nmrs]?|groesste[nmrs]?|schlechteste[nmrs]?|rangliste|rangfolge|am staerksten)\b")]
    private static partial Regex MostWords();

    [GeneratedRegex(@"\b(?:least|lowest|smallest|fewest|minimum|best|(?:most|more) efficient|wenigsten?|geringste[nmrs]?|niedrigste[nmrs]?|kleinste[nmrs]?|sparsamste[nmrs]?|effizienteste[nmrs]?|beste[nmrs]?)\b")]
    private static partial Regex LeastWords();

    [GeneratedRegex(@"\b(?:buildings?|gebaeude[ns]?|consumers?|verbraucher|rank\w*|rangliste|sites?|offices?|schools?)\b")]
    private static partial Regex RankWords();

    [GeneratedRegex(@"\b(?:sensors?|sensoren|meters?|zaehler|messpunkte?|points?)\b")]
    private static partial Regex SensorWords();

    [GeneratedRegex(@"\b(?:buildings?|gebaeude[ns]?|sites?)\b")]
    private static partial Regex BuildingWords();

    [GeneratedRegex(@"\b(?:how many|number of|count|wie ?viele|anzahl|zahl der)\b")]
    private static partial Regex CountWords();

    [GeneratedRegex(@"\b(?:list|show|which|what|name|display|give|all|liste|zeige?|welche[nrs]?|nenne?|alle)\b")]
    private static partial Regex ListWords();

    [GeneratedRegex(@"\b(?:latest|current|currently|now|live|newest|last (?:value|reading)s?|letzte[nrs]? (?:werte?|messwerte?)|aktuelle[nrs]?|aktuell|momentan|gerade|jetzt|neueste[nrs]?)\b")]
    private static partial Regex LatestWords();

    [GeneratedRegex(@"\b(?:compar\w*|versus|vs|difference|change[ds]?|more or less|than|vergleich\w*|verglichen|unterschied|gegenueber|veraenderung|als)\b")]
    private static partial Regex CompareWords();

    [GeneratedRegex(@"\b(?:eui|intensity|efficien\w*|per (?:square )?(?:metre|meter|m2)|per sqm|energieintensitaet|effizien\w*|sparsam\w*|pro (?:quadratmeter|m2|qm))")]
    private static partial Regex IntensityWords();

    [GeneratedRegex(@"\b(?:co2|carbon|emissions?|emit\w*|emissionen|kohlendioxid|ausstoss)\b")]
    private static partial Regex CarbonWords();

    [GeneratedRegex(@"\b(?:peak|lastspitze|spitzenlast|spitze|load factor|lastfaktor)\b")]
    private static partial Regex PeakWords();

    [GeneratedRegex(@"\b(?:average|mean|median|maximum|minimum|max|min|trend|durchschnitt\w*|mittelwert|hoechst\w*|history|verlauf|histor\w*)\b")]
    private static partial Regex StatisticsWords();

    [GeneratedRegex(@"\b(?:costs?|price[sd]?|euros?|dollars?|bill|expensive|tariffs?|spend|spent|kosten|kostet\w*|preis\w*|rechnung|teuer\w*|tarif\w*)\b|€|\$")]
    private static partial Regex CostWords();

    [GeneratedRegex(@"\b(?:forecast\w*|predict\w*|tomorrow|next (?:week|month|year|day)|will (?:we|it|the)|prognose\w*|vorhersage\w*|morgen|naechste[nrs]? (?:woche|monat|jahr))\b")]
    private static partial Regex ForecastWords();

    [GeneratedRegex(@"\b(?:alerts?|alarms?|anomal\w*|alarme?|warnungen?|auffaellig\w*)\b")]
    private static partial Regex AlertWords();

    [GeneratedRegex(@"\b(?:why|explain|reason|warum|wieso|weshalb|erklaere?)\b")]
    private static partial Regex WhyWords();

    [GeneratedRegex(@"^(?:please |bitte )?(?:create|add|delete|remove|update|change|rename|set|turn|switch|erstelle|lege|loesche|entferne|aendere|schalte|setze)\b")]
    private static partial Regex WriteWords();

    [GeneratedRegex(@"\b(?:help|hello|hi|hey|what can you|who are you|what are you|are you|hilfe|hallo|guten (?:tag|morgen|abend)|was kannst du|wer bist du|was bist du|bist du)\b")]
    private static partial Regex HelpWords();

    [GeneratedRegex(@"\b(?:top|die|the) ?(?<n>\d{1,3})\b|\b(?<m>\d{1,3}) (?:buildings|gebaeude|biggest|largest|most|worst|best|groessten|meisten)")]
    private static partial Regex TopWords();

    [GeneratedRegex(@"\b\d{1,4}[-./]\d{1,2}[-./]\d{1,4}\b")]
    private static partial Regex DateLike();

    [GeneratedRegex("""["“„«'](?<name>[^"”“»']{2,80})["”“»']""")]
    private static partial Regex Quoted();
}
