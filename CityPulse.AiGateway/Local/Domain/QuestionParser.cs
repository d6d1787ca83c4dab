using System.Globalization;
using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Local.Domain;

/// <summary>Takes a question apart by rules. What the rules do not cover stays <see cref="QuestionKind.Unknown"/>: no guess passes for an answer.</summary>
internal static partial class QuestionParser
{
    /// <summary>So many buildings of a use are looked up one by one.</summary>
    private const int MostOfUse = 5;

    /// <param name="previous">The question before it, which "and in October?" goes on from.</param>
    public static Question Parse(string text, IReadOnlyList<KnownBuilding> buildings, Question? previous = null)
    {
        var normalized = Text.Normalize(text);
        var names = BuildingNames.Find(normalized, buildings);
        var (ahead, past) = AheadParser.Parse(names.Rest);
        var (periods, rest) = PeriodParser.Parse(past);
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
            AlertState = FindingWords.AlertState(rest),
            Severity = FindingWords.Severity(rest),
            Ahead = ahead,
        };

        question = Classify(question, rest);
        if (previous is not null && question.Kind is not (QuestionKind.Unknown or QuestionKind.Help) && Continues().IsMatch(normalized))
        {
            // "and what did it cost?" is about the building and the period of before.
            question = question with
            {
                Buildings = question.Buildings.Count > 0 || question.Ambiguous.Count > 0 ? question.Buildings : previous.Buildings,
                Periods = question.Periods.Count > 0 ? question.Periods : previous.Periods,
            };
        }

        question = OfUse(question, buildings, rest);
        if (question.Buildings.Count > 1 && NameLike(question) && question.Kind is not (QuestionKind.Energy or QuestionKind.Compare))
        {
            question = question with { Kind = QuestionKind.Unsupported, Beyond = BeyondRules.OneAtATime };
        }

        question = question with { LacksSubject = LacksSubject(question) };
        if (question.Kind == QuestionKind.Unknown && previous is not null && (periods.Count > 0 || names.Buildings.Count > 0 || names.Ambiguous.Count > 0))
        {
            question = GoOn(previous, question, normalized);
        }

        return question.Buildings.Count == 0 && question.Ambiguous.Count == 0 && question.UnknownName is null && NameLike(question)
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

        if (FindingWords.Kind(rest) is { } finding)
        {
            return question with { Kind = finding };
        }

        if (FindingWords.LooksAhead(rest) || question.Ahead is not null)
        {
            return question with { Kind = QuestionKind.Forecast, Ahead = question.Ahead ?? new Ahead(Day: null, Hours: 24) };
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
            var ofThePast = StatisticsWords().IsMatch(rest) || (superlative && !LatestWords().IsMatch(rest))
                || question.Periods.Any(p => p is not PeriodPhrase.Calendar { Unit: TimeUnit.Day, Back: 0 })
                || (question.Quantity == "water_volume" && EnergyWords().IsMatch(rest));
            return question with
            {
                Kind = sensors && ListWords().IsMatch(rest) && !LatestWords().IsMatch(rest) ? QuestionKind.ListSensors
                    : ofThePast ? QuestionKind.Statistics
                    : QuestionKind.Latest,
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

    private static BeyondRules Beyond(string rest, Question question)
    {
        var ahead = question.Ahead is not null || FindingWords.LooksAhead(rest);
        var ofValues = question.Quantity is not null and not "electric_power";
        return rest switch
        {
            // Leaving it out and answering for another period would mislead.
            _ when DateLike().IsMatch(rest) => BeyondRules.Date,
            _ when TariffWords().IsMatch(rest) => BeyondRules.Tariffs,
            _ when WhyWords().IsMatch(rest) => BeyondRules.Explanation,
            _ when WriteWords().IsMatch(rest) && question.Periods.Count == 0 => BeyondRules.Writing,
            _ when FindingWords.Kind(rest) is not null => BeyondRules.None,
            _ when question.Ahead is { Hours: > Ahead.MostHours } || AheadParser.IsFar(rest) => BeyondRules.FarAhead,
            _ when ahead && (ofValues || question.Metric != "kwh") => BeyondRules.OtherForecast,
            _ when CompareWords().IsMatch(rest) && ofValues && (question.Periods.Count > 1 || question.Buildings.Count > 1) => BeyondRules.OtherComparison,
            _ => BeyondRules.None,
        };
    }

    /// <summary>Where an answer on everything would be no answer to what was meant.</summary>
    private static bool LacksSubject(Question question) =>
        question.Kind is QuestionKind.Latest or QuestionKind.Anomalies && question.Buildings.Count == 0 && question.Ambiguous.Count == 0 && question.Quantity is null;

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

    /// <summary>"The school" is a building where there is one school; of several, one is asked for, or all of them are meant.</summary>
    private static Question OfUse(Question question, IReadOnlyList<KnownBuilding> buildings, string rest)
    {
        if (question.Use is null || buildings.Count == 0 || question.Buildings.Count > 0 || question.Ambiguous.Count > 0 || !NameLike(question)
            || question.Kind is QuestionKind.CountSensors or QuestionKind.ListSensors)
        {
            return question;
        }

        var meant = buildings.Where(b => b.Use == question.Use).ToList();
        var all = Plural().IsMatch(rest) && question.Kind == QuestionKind.Energy && meant.Count <= MostOfUse;
        return meant.Count switch
        {
            0 => question with { UnknownName = question.Use },
            1 => question with { Buildings = meant },
            _ => all ? question with { Buildings = meant } : question with { Ambiguous = meant },
        };
    }

    private static bool NameLike(Question question) => question.Kind
        is QuestionKind.Energy or QuestionKind.Latest or QuestionKind.ListSensors or QuestionKind.CountSensors or QuestionKind.Compare
        or QuestionKind.Statistics or QuestionKind.Forecast or QuestionKind.Alerts or QuestionKind.Anomalies or QuestionKind.DataQuality;

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
        IntensityWords().IsMatch(rest) ? "eui" : CostWords().IsMatch(rest) ? "cost" : CarbonWords().IsMatch(rest) && Lexicon.Quantity(rest) != "co2" ? "co2" : "kwh";

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

    [GeneratedRegex(@"\b(?:most|highest|dearest|(?:most |more )?expensive|biggest|largest|greatest|maximum|max|worst|hungriest|top|rank\w*|meisten?|hoechste[nmrs]?|groesste[nmrs]?|schlechteste[nmrs]?|rangliste|rangfolge|am staerksten|teuerste[nmrs]?)\b")]
    private static partial Regex MostWords();

    [GeneratedRegex(@"\b(?:least|lowest|smallest|fewest|minimum|best|cheapest|(?:most|more) efficient|guenstigste[nmrs]?|wenigsten?|geringste[nmrs]?|niedrigste[nmrs]?|kleinste[nmrs]?|sparsamste[nmrs]?|effizienteste[nmrs]?|beste[nmrs]?)\b")]
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

    [GeneratedRegex(@"\b(?:peaks?|lastspitzen?|spitzenlast\w*|spitzen?|hoechstlast|maximum demand|load factor|lastfaktor)\b")]
    private static partial Regex PeakWords();

    [GeneratedRegex(@"\b(?:average|mean|median|maximum|minimum|max|min|trend|durchschnitt\w*|mittelwert|hoechst\w*|history|verlauf|histor\w*|range|development|entwicklung|course|warmest|coldest|hottest|waermste[nrs]?|kaelteste[nrs]?)\b")]
    private static partial Regex StatisticsWords();

    [GeneratedRegex(@"\b(?:costs?|euros?|dollars?|bills?|expensive|pay|paid|spend|spent|money|kosten|kostete?n?|gekostet|stromkosten|energiekosten|rechnung|teuer\w*|teuerste[nrs]?|bezahl\w*|ausgegeben|ausgaben|geld)\b|€|\$")]
    private static partial Regex CostWords();

    [GeneratedRegex(@"\b(?:tariffs?|price[sd]?|tarif\w*|strompreis\w*|preis\w*)\b")]
    private static partial Regex TariffWords();

    [GeneratedRegex(@"\b(?:all|our|both|buildings|offices|schools|universities|colleges|hospitals|homes|shops|stores|factories|warehouses|alle[nr]?|unsere[nr]?|gebaeude|bueros|schulen|hochschulen|kliniken|krankenhaeuser|laeden|geschaefte|fabriken|lagerhaeuser|lagerhallen)\b")]
    private static partial Regex Plural();

    [GeneratedRegex(@"^(?:and|und|what about|how about|was ist mit|wie (?:ist|war) es mit)\b")]
    private static partial Regex Continues();

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
