using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Http;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.Api.Energy;

/// <summary>The half-open period of a question: <c>from</c> and <c>to</c>, by default the last 7 days.</summary>
internal readonly record struct EnergyPeriod(DateTimeOffset From, DateTimeOffset To)
{
    /// <summary>No reading is older (ingest refuses it), so no peak is either.</summary>
    private static readonly DateTimeOffset FirstReading = new(1999, 12, 31, 0, 0, 0, TimeSpan.Zero);

    public TimeSpan Length => To - From;

    /// <summary>The demand blocks of the period, as far as readings can reach; null where they do not reach at all.</summary>
    public BucketGrid? Blocks(int minutes, DateTimeOffset now)
    {
        var from = From > FirstReading ? From : FirstReading;
        var end = now.AddDays(32); // Delta intervals of a month may reach this far past the last reading.
        var to = To < end ? To : end;
        return from < to ? BucketGrid.Blocks(from, to, minutes) : null;
    }

    /// <returns>The period, or the refusal.</returns>
    public static (EnergyPeriod Period, ProblemHttpResult? Problem) Parse(string? from, string? to, DateTimeOffset now)
    {
        if (!TryParse(to, now, out var end))
        {
            return Refuse("to", QueryTimes.Expected("to"));
        }

        if (!TryParse(from, end.AddDays(-7), out var start))
        {
            return Refuse("from", QueryTimes.Expected("from"));
        }

        return start >= end ? Refuse("from", "from must be before to.") : (new EnergyPeriod(start, end), null);
    }

    /// <summary>A period of which both ends must be given, under names such as <c>baselineFrom</c>.</summary>
    public static EnergyPeriod? Require(Validator check, string fromName, string? from, string toName, string? to)
    {
        var start = Required(check, fromName, from);
        var end = Required(check, toName, to);
        return start is { } a && end is { } b && check.Check(a < b, fromName, $"{fromName} must be before {toName}.") ? new EnergyPeriod(a, b) : null;
    }

    private static DateTimeOffset? Required(Validator check, string name, string? text)
    {
        if (!check.Check(text is not null, name, $"{name} is required."))
        {
            return null;
        }

        return check.Check(TryParse(text, default, out var at), name, QueryTimes.Expected(name)) ? at : null;
    }

    private static (EnergyPeriod, ProblemHttpResult?) Refuse(string path, string message) => (default, Problems.Validation(path, message));

    private static bool TryParse(string? text, DateTimeOffset fallback, out DateTimeOffset at)
    {
        at = fallback;
        return text is null || QueryTimes.TryParse(text, out at);
    }
}
