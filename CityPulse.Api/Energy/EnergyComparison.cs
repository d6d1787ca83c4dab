using CityPulse.Api.Energy.Domain;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.Api.Energy;

/// <summary>Puts a period beside an earlier one.</summary>
internal sealed class EnergyComparison(EnergyReport report)
{
    public const string Previous = "previous";
    public const string LastYear = "lastYear";

    public static readonly string[] All = [Previous, LastYear];

    public async Task<(EnergyComparisonResponse? Answer, ProblemHttpResult? Problem)> GetAsync(
        EnergyQuestion question, string with, CancellationToken cancellationToken)
    {
        var (current, problem) = await report.GetAsync(question, cancellationToken);
        if (current is null)
        {
            return (null, problem);
        }

        var zone = TimeZoneInfo.FindSystemTimeZoneById(current.TimeZone);
        var before = with == LastYear
            ? EarlierPeriod.LastYear(question.Period.From, question.Period.To, zone)
            : EarlierPeriod.Previous(question.Period.From, question.Period.To, zone);
        var (previous, refusal) = await report.GetAsync(
            question with { Period = new EnergyPeriod(before.From, before.To) }, cancellationToken);
        return previous is null ? (null, refusal) : (Compare(with, current, previous), null);
    }

    private static EnergyComparisonResponse Compare(string with, EnergyResponse current, EnergyResponse previous)
    {
        var (now, before) = (current.Totals, previous.Totals);
        var notes = new Dictionary<string, string>();
        if (Math.Min(now.Coverage, before.Coverage) <= 0)
        {
            notes["kwh"] = "There is no data in one of the periods.";
        }
        else if (Math.Abs(now.Coverage - before.Coverage) > 0.05)
        {
            notes["kwh"] = "More is known of one period than of the other; compare their coverage.";
        }

        if (current.To - current.From != previous.To - previous.From)
        {
            notes["hours"] = $"The periods have {(current.To - current.From).TotalHours:0.##} and {(previous.To - previous.From).TotalHours:0.##} hours.";
        }

        var sameCurrency = now.Currency == before.Currency;
        if (!sameCurrency)
        {
            notes["cost"] = "The periods are priced in different currencies.";
        }

        var cost = sameCurrency ? now.Cost - before.Cost : null;
        return new EnergyComparisonResponse(
            with, current, previous,
            new EnergyChange(
                now.Kwh - before.Kwh, Percent(now.Kwh - before.Kwh, before.Kwh),
                cost, Percent((double?)cost, (double?)before.Cost),
                now.Co2Kg - before.Co2Kg, Percent(now.Co2Kg - before.Co2Kg, before.Co2Kg),
                now.PeakKw - before.PeakKw, Percent(now.PeakKw - before.PeakKw, before.PeakKw)),
            notes);
    }

    private static double? Percent(double? change, double? of) => of is > 0 ? 100 * change / of : null;
}
