using System.Globalization;
using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Http;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace CityPulse.Api.Energy;

/// <summary>The parameters of an energy figure, as they are written.</summary>
/// <param name="BuildingId">One building; without it the whole portfolio.</param>
/// <param name="From">Default: 7 days before <paramref name="To"/>.</param>
/// <param name="To">Default: now.</param>
/// <param name="Resolution"><c>15m</c>, <c>1h</c>, <c>1d</c> (default) or <c>1mo</c>.</param>
/// <param name="Carrier"><c>electricity</c>, <c>gas</c> or <c>heat</c>; without it all are summed.</param>
/// <param name="Annualise">Whether <c>euiKwhPerM2Year</c> is scaled to a year; by default wherever the period is not one.</param>
/// <param name="TariffId">Prices by this tariff instead of the buildings' own.</param>
/// <param name="TariffAsOf">Prices the whole period by the terms that were valid on this day (<c>2026-01-31</c>).</param>
/// <param name="Co2Method">Which factors of a region count: <c>location</c> (default) or <c>market</c>.</param>
public sealed record EnergyQuery(
    [FromQuery(Name = "buildingId")] Guid? BuildingId,
    [FromQuery(Name = "from")] string? From,
    [FromQuery(Name = "to")] string? To,
    [FromQuery(Name = "resolution")] string? Resolution,
    [FromQuery(Name = "carrier")] string? Carrier,
    [FromQuery(Name = "annualise")] bool? Annualise,
    [FromQuery(Name = "tariffId")] Guid? TariffId,
    [FromQuery(Name = "tariffAsOf")] string? TariffAsOf,
    [FromQuery(Name = "co2Method")] string? Co2Method);

/// <summary>A question that was found good.</summary>
internal sealed record EnergyQuestion(
    Guid? BuildingId, EnergyPeriod Period, EnergyResolution Resolution, string? Carrier = null, bool? Annualise = null,
    Guid? TariffId = null, DateOnly? TariffAsOf = null, string Co2Method = EmissionMethods.Location)
{
    private const string DayFormat = "yyyy-MM-dd";

    public static (EnergyQuestion? Question, ProblemHttpResult? Problem) Parse(EnergyQuery query, DateTimeOffset now)
    {
        var (period, problem) = EnergyPeriod.Parse(query.From, query.To, now);
        if (problem is not null)
        {
            return (null, problem);
        }

        if (ParseResolution(query.Resolution) is not { } resolution)
        {
            return (null, Problems.Validation("resolution", "resolution must be one of 15m, 1h, 1d, 1mo."));
        }

        var check = new Validator();
        check.OneOf("carrier", query.Carrier, EnergyUnits.Carriers);
        check.OneOf("co2Method", query.Co2Method, EmissionMethods.All);
        var asOf = default(DateOnly);
        check.Check(
            query.TariffAsOf is null || DateOnly.TryParseExact(query.TariffAsOf, DayFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out asOf),
            "tariffAsOf", "tariffAsOf must be a day, such as 2026-01-31.");
        return check.Failed
            ? (null, check.ToProblem())
            : (new EnergyQuestion(
                query.BuildingId, period, resolution, query.Carrier, query.Annualise, query.TariffId,
                query.TariffAsOf is null ? null : asOf, query.Co2Method ?? EmissionMethods.Location), null);
    }

    private static EnergyResolution? ParseResolution(string? text) => text switch
    {
        "15m" => EnergyResolution.QuarterHour,
        "1h" => EnergyResolution.Hour,
        null or "1d" => EnergyResolution.Day,
        "1mo" => EnergyResolution.Month,
        _ => null,
    };
}
