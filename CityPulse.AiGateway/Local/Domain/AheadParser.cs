using System.Globalization;
using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Local.Domain;

/// <summary>Finds out how far ahead a question looks.</summary>
internal static partial class AheadParser
{
    /// <param name="text">A normalised question without its names.</param>
    /// <returns>How far, and the question without these words: "the rest of today" is not today.</returns>
    public static (Ahead? Ahead, string Remainder) Parse(string text)
    {
        if (Read(text) is not { } ahead)
        {
            return (null, text);
        }

        foreach (var words in new[] { DayAfterTomorrow(), Tomorrow(), RestOfToday(), Next() })
        {
            text = words.Replace(text, match => new string(' ', match.Length));
        }

        return (ahead, text);
    }

    private static Ahead? Read(string rest)
    {
        if (DayAfterTomorrow().IsMatch(rest))
        {
            return new Ahead(Day: 2, Hours: 72);
        }

        if (Tomorrow().IsMatch(rest))
        {
            return new Ahead(Day: 1, Hours: 48);
        }

        if (RestOfToday().IsMatch(rest))
        {
            return new Ahead(Day: 0, Hours: 24);
        }

        var match = Next().Match(rest);
        if (!match.Success)
        {
            return null;
        }

        var count = match.Groups["n"].Value switch
        {
            "" or "one" or "eine" => 1,
            "two" or "zwei" => 2,
            "three" or "drei" => 3,
            "four" or "vier" => 4,
            "five" or "fuenf" => 5,
            "six" or "sechs" => 6,
            "seven" or "sieben" => 7,
            var digits => int.Parse(digits, CultureInfo.InvariantCulture),
        };
        return new Ahead(Day: null, count * (match.Groups["unit"].Value switch
        {
            ['h' or 's', ..] => 1,
            ['d' or 't', ..] => 24,
            _ => Ahead.MostHours,
        }));
    }

    /// <summary>Whether it names a time that no forecast reaches.</summary>
    public static bool IsFar(string rest) => Far().IsMatch(rest);

    [GeneratedRegex(@"\b(?:(?:the )?day after tomorrow|uebermorgen)\b")]
    private static partial Regex DayAfterTomorrow();

    [GeneratedRegex(@"\btomorrow\b|(?<!guten )\bmorgen\b")]
    private static partial Regex Tomorrow();

    [GeneratedRegex(@"\b(?:(?:the )?rest of (?:the |this )?day|rest of today|later today|tonight|heute noch|rest des tages|heute nacht)\b")]
    private static partial Regex RestOfToday();

    [GeneratedRegex(@"\b(?:next|coming|naechste[nrs]?|kommende[nrs]?)(?: (?<n>\d{1,3}|one|two|three|four|five|six|seven|eine|zwei|drei|vier|fuenf|sechs|sieben))? (?<unit>hours?|days?|weeks?|stunden?|tage?n?|wochen?)\b")]
    private static partial Regex Next();

    [GeneratedRegex(@"\b(?:next|coming|naechste[nrs]?|kommende[nrs]?)(?: \w+)? (?:months?|quarters?|years?|summer|winter|monate?n?|quartale?|jahre?n?|sommer|winter)\b")]
    private static partial Regex Far();
}
