using System.Globalization;
using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Local.Domain;

/// <summary>Finds periods in a normalised question, in English and German, and takes their words out of it.</summary>
internal static class PeriodParser
{
    private const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.Compiled;

    private const string MonthName =
        "(?<month>january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|"
        + "januar|jaenner|februar|maerz|mai|juni|juli|oktober|dezember|okt|dez)";

    private const string UnitName =
        "(?<unit>hours?|stunden?|days?|tage[ns]?|tag|weeks?|wochen?|months?|monate?[ns]?|quarters?|quartale?s?|years?|jahre?[ns]?)";

    private const string DayName =
        "(?<day>monday|tuesday|wednesday|thursday|friday|saturday|sunday|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag)";

    private const string Number =
        "(?<n>\\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|zwei|drei|vier|fuenf|sechs|sieben|acht|neun|zehn|elf|zwoelf)";

    private const string Last = "(?:last|past|previous|letzte[nmrs]?|vergangene[nmrs]?|vorige[nmrs]?|vorherige[nmrs]?)";
    private const string Iso = "\\d{4}-\\d{2}-\\d{2}";
    private const string IsoTime = "\\d{4}-\\d{2}-\\d{2}t\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d+)?)?(?:z|[+-]\\d{2}:\\d{2})";
    private const string From = "(?:from |between |von |vom |zwischen )?(?:the |dem )?";
    private const string To = " ?(?:to|until|till|and|through|bis|bis zum|und|-|–) ?(?:the |zum |dem )?";
    private const string DayNumber = "(?<d1>\\d{1,2})(?:st|nd|rd|th|\\.)?";

    private static readonly string[] Months =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "jae", "", "mae", "", "mai", "", "", "", "", "okt", "", "dez"];

    /// <summary>The longest phrases come first: "same month last year" must not be read as "last year".</summary>
    private static readonly (Regex Pattern, Func<Match, PeriodPhrase?> Read)[] Rules =
    [
        Rule($"{From}(?<a>{IsoTime}){To}(?<b>{IsoTime})", m => Exact(m)),
        Rule($"{From}(?<a>{Iso}){To}(?<b>{Iso})", m => Days(Date(m, "a"), Date(m, "b"), yearSaid: true)),
        Rule($"{From}(?<a>\\d{{1,2}}\\.\\d{{1,2}}\\.\\d{{4}}){To}(?<b>\\d{{1,2}}\\.\\d{{1,2}}\\.\\d{{4}})",
            m => Days(GermanDate(m, "a"), GermanDate(m, "b"), yearSaid: true)),
        Rule($"{From}{DayNumber}{To}(?<d2>\\d{{1,2}})(?:st|nd|rd|th|\\.)? (?:of )?{MonthName}\\b(?: (?<year>\\d{{4}}))?", m => DaysOfMonth(m)),
        Rule($"{From}{MonthName} {DayNumber}{To}(?<d2>\\d{{1,2}})(?:st|nd|rd|th)?\\b(?:,? (?<year>\\d{{4}}))?", m => DaysOfMonth(m)),
        Rule($"(?<since>since|seit) (?:the |dem )?(?<a>{Iso})", m => Days(Date(m, "a"), Date(m, "a"), yearSaid: true)),
        Rule($"(?:on |am |for |fuer )?(?:the |den )?(?<a>{Iso})", m => Days(Date(m, "a"), Date(m, "a"), yearSaid: true)),
        Rule("(?:(?<since>since|seit) |am |on )?(?:dem )?(?<a>\\d{1,2}\\.\\d{1,2}\\.\\d{4})", m => Days(GermanDate(m, "a"), GermanDate(m, "a"), yearSaid: true)),
        Rule("(?:in |im )?(?<year>\\d{4})-(?<mm>0[1-9]|1[0-2])(?!-?\\d)",
            m => new PeriodPhrase.OfMonth(Int(m, "mm"), Int(m, "year"))),
        Rule("(?:the )?same (?:time|period|month|week|day|quarter) (?:of )?(?:last|the previous|the) year(?: before)?|(?:a|one) year (?:earlier|before|ago)"
            + "|(?:im |der |dem |des )?(?:vorjahres)?(?:gleichen|selben) (?:zeitraum|monat|woche|tag|quartal)s? (?:des )?(?:vorjahre?s?|im letzten jahr|letztes jahr)"
            + "|ein jahr (?:zuvor|davor|frueher)|vorjahreszeitraum|vorjahresmonat",
            _ => new PeriodPhrase.YearEarlier()),
        Rule("(?:the )?day before yesterday|vorgestern", _ => new PeriodPhrase.Calendar(TimeUnit.Day, 2)),
        Rule("(?:the )?(?<unit>week|month|quarter|year) before last|(?:im |in der )?vorletzte[nmrs]? (?<unit>woche|monat|quartal|jahr)",
            m => new PeriodPhrase.Calendar(Unit(m), 2)),
        Rule("(?:the )?(?<unit>day|week|month|quarter|year) before(?: that)?(?! last)|(?:der |dem |den |die |das )?(?<unit>tag|woche|monat|quartal|jahr) (?:davor|zuvor)",
            m => new PeriodPhrase.Before(Unit(m))),
        Rule("(?:the )?(?:period before|previous period|preceding period)|(?:dem |der )?(?:zeitraum davor|vorherigen zeitraum|vorzeitraum)", _ => new PeriodPhrase.Before(null)),
        Rule($"(?:in |over |during |for |within |ueber |waehrend )?(?:the |den |der |die )?{Last} {Number} {UnitName}\\b", Rolling),
        Rule($"(?:the |den |die )?{Number} {Last} {UnitName}\\b", Rolling),
        Rule("(?:in |over )?(?:the )?(?:last|past) (?<unit>hour|day)\\b|(?:in )?der letzten (?<unit>stunde)\\b", m => new PeriodPhrase.Rolling(Unit(m), 1)),
        Rule("(?:(?<since>since|seit) )?(?:yesterday|gestern)", _ => new PeriodPhrase.Calendar(TimeUnit.Day, 1)),
        Rule("(?:so far )?(?:today|heute)(?: so far| bisher)?", _ => new PeriodPhrase.Calendar(TimeUnit.Day, 0)),
        Rule("year to date|\\bytd\\b|seit jahresbeginn|seit jahresanfang", _ => new PeriodPhrase.Calendar(TimeUnit.Year, 0)),
        Rule("month to date|\\bmtd\\b|seit monatsbeginn|seit monatsanfang", _ => new PeriodPhrase.Calendar(TimeUnit.Month, 0)),
        Rule($"(?:(?<since>since|seit) )?(?:in |im |on |am |during |for |ueber )?(?:the |der |dem |den )?(?:{Last}) (?<unit>week|month|quarter|year|woche|monate?s?|quartals?|jahre?s?)\\b",
            m => new PeriodPhrase.Calendar(Unit(m), 1)),
        Rule("(?:im |des )?(?<unit>vormonat|vorjahr|vorwoche|vorquartal)e?s?\\b", m => new PeriodPhrase.Calendar(Unit(m), 1)),
        Rule("(?:in |im |during |for |so far )?(?:this|the current|current|diese[nmrs]?|(?:der |die |das |den |dem )?aktuelle[nmrs]?|(?:der |die |das |den |dem )?laufende[nmrs]?) (?<unit>week|month|quarter|year|woche|monate?s?|quartals?|jahre?s?)\\b(?: so far| bisher)?",
            m => new PeriodPhrase.Calendar(Unit(m), 0)),
        Rule($"(?:(?<since>since|seit) )?(?:on |am |of |for |fuer )?(?:the )?{DayNumber}(?: of)? {MonthName}\\b(?:,? (?<year>\\d{{4}}))?", m => DaysOfMonth(m)),
        Rule($"(?:(?<since>since) )?(?:on )?{MonthName} {DayNumber}\\b(?!\\d)(?:,? (?<year>\\d{{4}}))?", m => DaysOfMonth(m)),
        Rule($"(?:(?<since>since|seit) )?(?:in |im |of |for |fuer |during |last |letzten )?(?:the month of )?{MonthName}\\b(?:,? (?:of )?(?<year>\\d{{4}}))?", m => Month(m)),
        Rule("(?:in |im )?(?:the )?(?:q(?<q>[1-4])|(?<q>[1-4])(?:st|nd|rd|th|\\.)? (?:quarter|quartal))\\b(?: (?:of )?(?<year>\\d{4}))?",
            m => new PeriodPhrase.OfQuarter(Int(m, "q"), Year(m))),
        Rule($"(?:(?<since>since|seit) )?(?:on |am |last |letzten )*{DayName}\\b", m => Weekday(m)),
        Rule("(?:(?<since>since|seit) )?(?:in |im |im jahr |for |fuer )?(?:the year )?(?<![./-])(?<year>(?:19|20)\\d{2})\\b(?![./-]\\d)", m => new PeriodPhrase.OfYear(Year(m)!.Value)),
    ];

    /// <summary>The phrases in the order of the text, and the text without them.</summary>
    public static (IReadOnlyList<PeriodPhrase> Phrases, string Remainder) Parse(string normalized)
    {
        var found = new List<(int At, PeriodPhrase Phrase)>();
        var rest = normalized;
        foreach (var (pattern, read) in Rules)
        {
            rest = pattern.Replace(rest, match =>
            {
                if (read(match) is not { } phrase)
                {
                    return match.Value;
                }

                found.Add((match.Index, match.Groups["since"].Success ? new PeriodPhrase.Since(phrase) : phrase));
                return new string(' ', match.Length); // Positions stay, so that the order of the phrases does.
            });
        }

        return ([.. found.OrderBy(f => f.At).Select(f => f.Phrase)], rest);
    }

    private static (Regex, Func<Match, PeriodPhrase?>) Rule(string pattern, Func<Match, PeriodPhrase?> read) =>
        (new Regex($@"(?<![\p{{L}}\p{{N}}])(?:{pattern})(?![\p{{L}}])", Options), read);

    private static PeriodPhrase.Days? Days(DateOnly? first, DateOnly? last, bool yearSaid) =>
        first is { } a && last is { } b && a <= b ? new PeriodPhrase.Days(a, b, yearSaid) : null;

    private static PeriodPhrase.Rolling? Rolling(Match match)
    {
        var (unit, count) = (Unit(match), Count(match));
        var longest = unit switch
        {
            TimeUnit.Hour => 9999,
            TimeUnit.Day => 9999,
            TimeUnit.Week => 2600,
            TimeUnit.Month => 600,
            TimeUnit.Quarter => 200,
            _ => 50,
        };
        return count > 0 && count <= longest ? new(unit, count) : null;
    }

    private static PeriodPhrase.Days? DaysOfMonth(Match match)
    {
        var month = MonthOf(match);
        var year = Year(match);
        var first = Day(year ?? 2024, month, Int(match, "d1"));
        return Days(first, match.Groups["d2"].Success ? Day(year ?? 2024, month, Int(match, "d2")) : first, year is not null);
    }

    private static PeriodPhrase.OfMonth? Month(Match match)
    {
        // "May I…" and "march" are words too: the bare names count only with something that makes them a month.
        var bare = match.Value.Trim() is "may" or "march" or "mar";
        return bare ? null : new PeriodPhrase.OfMonth(MonthOf(match), Year(match));
    }

    private static PeriodPhrase.Exact? Exact(Match match) =>
        DateTimeOffset.TryParse(match.Groups["a"].Value.ToUpperInvariant(), CultureInfo.InvariantCulture, out var from)
        && DateTimeOffset.TryParse(match.Groups["b"].Value.ToUpperInvariant(), CultureInfo.InvariantCulture, out var to) && from < to
            ? new PeriodPhrase.Exact(from, to)
            : null;

    private static PeriodPhrase.Weekday Weekday(Match match) => new(match.Groups["day"].Value[..2] switch
    {
        "mo" => DayOfWeek.Monday,
        "tu" or "di" => DayOfWeek.Tuesday,
        "we" or "mi" => DayOfWeek.Wednesday,
        "th" or "do" => DayOfWeek.Thursday,
        "fr" => DayOfWeek.Friday,
        "sa" => DayOfWeek.Saturday,
        _ => match.Groups["day"].Value == "sonnabend" ? DayOfWeek.Saturday : DayOfWeek.Sunday,
    });

    private static TimeUnit Unit(Match match) => match.Groups["unit"].Value switch
    {
        ['h' or 's', ..] => TimeUnit.Hour,
        ['d' or 't', ..] => TimeUnit.Day,
        ['w', ..] or "vorwoche" => TimeUnit.Week,
        ['m', ..] or "vormonat" => TimeUnit.Month,
        ['q', ..] or "vorquartal" => TimeUnit.Quarter,
        _ => TimeUnit.Year,
    };

    private static int Count(Match match) => match.Groups["n"].Value switch
    {
        "one" => 1,
        "two" or "zwei" => 2,
        "three" or "drei" => 3,
        "four" or "vier" => 4,
        "five" or "fuenf" => 5,
        "six" or "sechs" => 6,
        "seven" or "sieben" => 7,
        "eight" or "acht" => 8,
        "nine" or "neun" => 9,
        "ten" or "zehn" => 10,
        "eleven" or "elf" => 11,
        "twelve" or "zwoelf" => 12,
        var digits => int.Parse(digits, CultureInfo.InvariantCulture),
    };

    private static int MonthOf(Match match) => (Array.IndexOf(Months, match.Groups["month"].Value[..3]) % 12) + 1;

    private static int? Year(Match match) =>
        match.Groups["year"].Success && Int(match, "year") is >= 1970 and < 2200 and var year ? year : null;

    private static int Int(Match match, string group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    private static DateOnly? Date(Match match, string group) =>
        DateOnly.TryParseExact(match.Groups[group].Value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : null;

    private static DateOnly? GermanDate(Match match, string group) =>
        DateOnly.TryParseExact(match.Groups[group].Value, "d.M.yyyy", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : null;

    private static DateOnly? Day(int year, int month, int day) =>
        day >= 1 && day <= DateTime.DaysInMonth(year, month) ? new DateOnly(year, month, day) : null;
}
