using Microsoft.AspNetCore.Mvc;

namespace CityPulse.Api.Energy;

/// <summary>The parameters of a baseline, as they are written.</summary>
/// <param name="BuildingId">Required.</param>
/// <param name="BaselineFrom">Required: the period that the model is fitted to, best a year.</param>
/// <param name="BaselineTo">Required.</param>
/// <param name="ReportFrom">Required, not before <paramref name="BaselineTo"/>: the period whose use is compared with what the model expects.</param>
/// <param name="ReportTo">Required.</param>
/// <param name="Carrier"><c>electricity</c>, <c>gas</c> or <c>heat</c>; without it all are summed.</param>
/// <param name="TemperatureSensorId">
/// The outdoor temperature. Without it the building's temperature sensor with the tag <c>outdoor</c>, or its only one.
/// </param>
/// <param name="Granularity"><c>daily</c> or <c>monthly</c> models; by default daily, and monthly where a meter reports less often than daily.</param>
public sealed record BaselineQuery(
    [FromQuery(Name = "buildingId")] Guid? BuildingId,
    [FromQuery(Name = "baselineFrom")] string? BaselineFrom,
    [FromQuery(Name = "baselineTo")] string? BaselineTo,
    [FromQuery(Name = "reportFrom")] string? ReportFrom,
    [FromQuery(Name = "reportTo")] string? ReportTo,
    [FromQuery(Name = "carrier")] string? Carrier,
    [FromQuery(Name = "temperatureSensorId")] Guid? TemperatureSensorId,
    [FromQuery(Name = "granularity")] string? Granularity);

/// <summary>Metered use beside what the weather lets expect. Shares are of 1, not percent; the uncertainties are of 90 % confidence.</summary>
/// <param name="Accepted">Whether the model passes ASHRAE Guideline 14. If it does not, nothing is said on savings.</param>
/// <param name="Reasons">Why it does not.</param>
/// <param name="MeteredKwh">Of the observations in the reporting period.</param>
/// <param name="ExpectedKwh">What the baseline's model expects of the same days.</param>
/// <param name="SavingsKwh">Expected less metered; below 0 more was used.</param>
/// <param name="SavingsShare">Of the expected.</param>
/// <param name="SavingsUncertaintyKwh">The ± of the savings.</param>
/// <param name="FractionalSavingsUncertainty">The uncertainty as a share of the savings (Guideline 14, annex B).</param>
/// <param name="Significant">Whether the savings are above their uncertainty. If not, none can be claimed.</param>
/// <param name="NormalizedSavingsShare">The share that one model over both periods finds at equal weather.</param>
/// <param name="CvRmse">CV(RMSE) of the observations (days, months or bills) in the baseline.</param>
internal sealed record BaselineResponse(
    Guid BuildingId, string? Carrier, string Granularity, Guid? TemperatureSensorId, bool Accepted, IReadOnlyList<string> Reasons,
    BaselinePeriod Baseline, BaselinePeriod Report, BaselineModelResponse? Model,
    double? CvRmse, double? Nmbe, double? R2, double? MonthlyCvRmse, double? MonthlyNmbe, double? Autocorrelation,
    double? MeteredKwh, double? ExpectedKwh, double? SavingsKwh, double? SavingsShare, double? SavingsUncertaintyKwh,
    double? FractionalSavingsUncertainty, bool? Significant, double? NormalizedSavingsShare, double? NormalizedSavingsUncertainty,
    IReadOnlyList<BaselineItem> Items, IReadOnlyDictionary<string, string> Notes);

/// <param name="Observations">Days, months or bills of which energy and weather are known well enough.</param>
internal sealed record BaselinePeriod(DateTimeOffset From, DateTimeOffset To, int Observations, int Days, double Kwh);

/// <param name="Type"><c>constant</c>, <c>heating</c>, <c>cooling</c> or <c>heating_cooling</c>.</param>
/// <param name="DegreeDays"><c>daily_mean</c> or <c>hourly</c>: from the day's mean temperature, or the mean of its hours' degrees.</param>
internal sealed record BaselineModelResponse(
    string Type, string DegreeDays, double InterceptKwhPerDay, double? HeatingBalanceC, double? HeatingKwhPerDegreeDay,
    double? CoolingBalanceC, double? CoolingKwhPerDegreeDay);

/// <summary>One observation of the reporting period.</summary>
internal sealed record BaselineItem(DateOnly From, int Days, double MeteredKwh, double ExpectedKwh, double MeanTemperatureC);
