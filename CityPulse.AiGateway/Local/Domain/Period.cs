using System.Globalization;

namespace CityPulse.AiGateway.Local.Domain;

internal enum TimeUnit
{
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// <summary>An exact half-open period <c>[From, To)</c> in UTC, with the words for it.</summary>
internal sealed record Period(DateTimeOffset From, DateTimeOffset To, PeriodPhrase Phrase);

/// <summary>A period as it was said, before it is known when and where "now" is.</summary>
internal abstract record PeriodPhrase
{
    /// <summary>"this month" (0), "last month" (1): calendar units, counted back from the running one.</summary>
    internal sealed record Calendar(TimeUnit Unit, int Back) : PeriodPhrase;

    /// <summary>"the last 7 days": so long, until now.</summary>
    internal sealed record Rolling(TimeUnit Unit, int Count) : PeriodPhrase;

    /// <summary>"October", "October 2025": without a year the latest one that has begun.</summary>
    internal sealed record OfMonth(int Number, int? Year) : PeriodPhrase;

    /// <summary>"Q3", "Q3 2025".</summary>
    internal sealed record OfQuarter(int Number, int? Year) : PeriodPhrase;

    /// <summary>"2025".</summary>
    internal sealed record OfYear(int Number) : PeriodPhrase;

    /// <summary>"on Monday": the latest one before today.</summary>
    internal sealed record Weekday(DayOfWeek Day) : PeriodPhrase;

    /// <summary>"5 October", "from 1 to 15 October": whole days, the last one included. Without a year the latest that has begun.</summary>
    internal sealed record Days(DateOnly First, DateOnly Last, bool YearSaid) : PeriodPhrase;

    /// <summary>Two times with their offsets.</summary>
    internal sealed record Exact(DateTimeOffset From, DateTimeOffset To) : PeriodPhrase;

    /// <summary>"since Monday": from the beginning of another period until now.</summary>
    internal sealed record Since(PeriodPhrase Start) : PeriodPhrase;

    /// <summary>"the month before": the unit that ends where the other period begins. Without a unit: as long as the other one.</summary>
    internal sealed record Before(TimeUnit? Unit) : PeriodPhrase;

    /// <summary>"the same time last year".</summary>
    internal sealed record YearEarlier : PeriodPhrase;
}

/// <summary>Turns phrases into exact periods.</summary>
internal static class PeriodResolver
{
    /// <param name="other">What "before" and "a year earlier" refer to.</param>
    public static Period Resolve(PeriodPhrase phrase, DateTimeOffset now, TimeZoneInfo zone, Period? other = null)
    {
        // Whole seconds, so that the printed URL asks for exactly what was computed.
        now = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);
        var today = CivilTime.DayOf(now, zone);
        var (from, to) = phrase switch
        {
            PeriodPhrase.Calendar c => Calendar(c, today),
            PeriodPhrase.OfMonth m => Month(m.Year ?? LatestYear(m.Number, today), m.Number),
            PeriodPhrase.OfQuarter q => Span(new DateOnly(q.Year ?? LatestYear((q.Number * 3) - 2, today), (q.Number * 3) - 2, 1), d => d.AddMonths(3)),
            PeriodPhrase.OfYear y => Span(new DateOnly(y.Number, 1, 1), d => d.AddYears(1)),
            PeriodPhrase.Weekday w => Span(today.AddDays(-DaysBack(today.DayOfWeek, w.Day)), d => d.AddDays(1)),
            PeriodPhrase.Days d => Days(d, today),
            _ => ((DateOnly, DateOnly)?)null,
        } is { } days ? (CivilTime.StartOf(days.Item1, zone), CivilTime.StartOf(days.Item2, zone)) : phrase switch
        {
            PeriodPhrase.Rolling r => (Rolling(r, now, zone), now),
            PeriodPhrase.Exact e => (e.From.ToUniversalTime(), e.To.ToUniversalTime()),
            PeriodPhrase.Since s => (Resolve(s.Start, now, zone, other).From, now),
            PeriodPhrase.Before b => Before(b.Unit, other ?? throw NoOther(), zone),
            PeriodPhrase.YearEarlier => (Shift((other ?? throw NoOther()).From, zone, d => d.AddYears(-1)), Shift(other.To, zone, d => d.AddYears(-1))),
            _ => throw new ArgumentOutOfRangeException(nameof(phrase), phrase, "No such phrase."),
        };

        // What is still running ends now: nothing is known of the future.
        return new Period(from, to > now && from < now ? now : to, phrase);
    }

    private static (DateOnly, DateOnly) Calendar(PeriodPhrase.Calendar c, DateOnly today)
    {
        var monday = today.AddDays(-(((int)today.DayOfWeek + 6) % 7));
        return c.Unit switch
        {
            TimeUnit.Day => Span(today.AddDays(-c.Back), d => d.AddDays(1)),
            TimeUnit.Week => Span(monday.AddDays(-7 * c.Back), d => d.AddDays(7)),
            TimeUnit.Month => Span(new DateOnly(today.Year, today.Month, 1).AddMonths(-c.Back), d => d.AddMonths(1)),
            TimeUnit.Quarter => Span(new DateOnly(today.Year, ((today.Month - 1) / 3 * 3) + 1, 1).AddMonths(-3 * c.Back), d => d.AddMonths(3)),
            TimeUnit.Year => Span(new DateOnly(today.Year - c.Back, 1, 1), d => d.AddYears(1)),
            _ => throw new ArgumentOutOfRangeException(nameof(c), c.Unit, "No calendar unit."),
        };
    }

    private static (DateOnly, DateOnly) Days(PeriodPhrase.Days d, DateOnly today)
    {
        var (first, last) = (d.First, d.Last);
        if (!d.YearSaid)
        {
            var years = today.Year - first.Year;
            years -= first.AddYears(years) > today ? 1 : 0;
            (first, last) = (first.AddYears(years), last.AddYears(years));
        }

        return (first, last.AddDays(1));
    }

    private static DateTimeOffset Rolling(PeriodPhrase.Rolling r, DateTimeOffset now, TimeZoneInfo zone) => r.Unit switch
    {
        TimeUnit.Hour => now.AddHours(-r.Count),
        TimeUnit.Day => Shift(now, zone, d => d.AddDays(-r.Count)),
        TimeUnit.Week => Shift(now, zone, d => d.AddDays(-7 * r.Count)),
        TimeUnit.Month => Shift(now, zone, d => d.AddMonths(-r.Count)),
        TimeUnit.Quarter => Shift(now, zone, d => d.AddMonths(-3 * r.Count)),
        _ => Shift(now, zone, d => d.AddYears(-r.Count)),
    };

    private static (DateTimeOffset, DateTimeOffset) Before(TimeUnit? unit, Period other, TimeZoneInfo zone)
    {
        var natural = unit ?? Unit(other.Phrase);
        DateTimeOffset Back(DateTimeOffset at) => natural switch
        {
            TimeUnit.Day => Shift(at, zone, d => d.AddDays(-1)),
            TimeUnit.Week => Shift(at, zone, d => d.AddDays(-7)),
            TimeUnit.Month => Shift(at, zone, d => d.AddMonths(-1)),
            TimeUnit.Quarter => Shift(at, zone, d => d.AddMonths(-3)),
            TimeUnit.Year => Shift(at, zone, d => d.AddYears(-1)),
            _ => at - (other.To - other.From),
        };

        // A running month is compared with as much of the month before, a whole one with the whole one.
        var running = unit is null && other.Phrase is PeriodPhrase.Calendar { Back: 0 };
        return (Back(other.From), running ? Back(other.To) : other.From);
    }

    private static TimeUnit? Unit(PeriodPhrase phrase) => phrase switch
    {
        PeriodPhrase.Calendar c => c.Unit,
        PeriodPhrase.OfMonth => TimeUnit.Month,
        PeriodPhrase.OfQuarter => TimeUnit.Quarter,
        PeriodPhrase.OfYear => TimeUnit.Year,
        PeriodPhrase.Weekday => TimeUnit.Day,
        _ => null,
    };

    /// <summary>The same local clock time on another day; where clocks jump, the next that exists.</summary>
    private static DateTimeOffset Shift(DateTimeOffset at, TimeZoneInfo zone, Func<DateTime, DateTime> shift)
    {
        var local = shift(DateTime.SpecifyKind(TimeZoneInfo.ConvertTime(at, zone).DateTime, DateTimeKind.Unspecified));
        while (zone.IsInvalidTime(local))
        {
            local = local.AddMinutes(15);
        }

        return new DateTimeOffset(local, zone.GetUtcOffset(local)).ToUniversalTime();
    }

    private static (DateOnly, DateOnly) Month(int year, int month) => Span(new DateOnly(year, month, 1), d => d.AddMonths(1));

    private static (DateOnly, DateOnly) Span(DateOnly first, Func<DateOnly, DateOnly> next) => (first, next(first));

    private static int LatestYear(int month, DateOnly today) => month <= today.Month ? today.Year : today.Year - 1;

    private static int DaysBack(DayOfWeek today, DayOfWeek day) => ((int)today - (int)day + 6) % 7 + 1;

    private static InvalidOperationException NoOther() => new("A relative period needs one that it refers to.");

    /// <summary>RFC 3339 with Z, as URLs of the Api take it.</summary>
    public static string Utc(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
}
