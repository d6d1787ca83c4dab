using CityPulse.Api.Energy.Terms;

namespace CityPulse.Api.Energy;

/// <summary>Energy of a building or of the whole portfolio in <c>[from, to)</c>.</summary>
/// <param name="TimeZone">The zone of the days and months; UTC for a portfolio whose buildings lie in several.</param>
internal sealed record EnergyResponse(
    DateTimeOffset From, DateTimeOffset To, string Resolution, string TimeZone, Guid? BuildingId, string? Carrier,
    EnergyTotals Totals, IReadOnlyList<EnergyItem> Items);

/// <param name="Cost">Energy and demand together; null when a part of the energy has no price, or prices are in several currencies.</param>
/// <param name="EnergyCost">The part of <paramref name="Cost"/> that is paid by the kWh.</param>
/// <param name="DemandCost">The part that is paid for the peaks of months.</param>
/// <param name="PeakKw">The largest average of a quarter hour.</param>
/// <param name="EuiKwhPerM2Year">kWh per square metre of floor area and year.</param>
/// <param name="Coverage">Share of the time, over all meters, of which something is known: 0..1.</param>
/// <param name="Method"><c>delta</c>, <c>counter</c>, <c>integrated</c>, <c>estimated</c> or <c>mixed</c>; null without data.</param>
/// <param name="Meters">Meters that count: submeters do not.</param>
/// <param name="Quarantined">Steps left out because they cannot be true: negative, or more than the rated power delivers.</param>
/// <param name="Co2Factors">Which factors made <paramref name="Co2Kg"/>.</param>
/// <param name="Notes">By member: why it is null, or how it was scaled.</param>
internal sealed record EnergyTotals(
    double Kwh, decimal? Cost, decimal? EnergyCost, decimal? DemandCost, string? Currency, double? Co2Kg,
    double? PeakKw, DateTimeOffset? PeakAt, double? LoadFactor, double? EuiKwhPerM2Year, double Coverage, string? Method,
    int Meters, int Quarantined, IReadOnlyList<Co2FactorUse> Co2Factors, IReadOnlyDictionary<string, string> Notes);

/// <param name="At">When the bucket begins.</param>
/// <param name="Cost">What the energy costs by the kWh; demand charges are of months and stand in the totals only.</param>
internal sealed record EnergyItem(DateTimeOffset At, double Kwh, decimal? Cost, double? Co2Kg, double Coverage, string? Method);

/// <summary>A factor and what it was applied to.</summary>
/// <param name="Origin"><c>building</c> (its own <c>carbonIntensityKgPerKwh</c>) or <c>factor</c> (of its region, year and carrier).</param>
internal sealed record Co2FactorUse(
    string Origin, Guid? BuildingId, Guid? FactorId, int? FactorVersion, string? Region, int? Year, string? Carrier, string? Method,
    string? Source, double KgPerKwh, double Kwh, double Co2Kg);

/// <summary>Buildings by one metric, worst first; those of which nothing is known come last, without a rank.</summary>
internal sealed record EnergyRankingResponse(
    DateTimeOffset From, DateTimeOffset To, string Metric, string Unit, IReadOnlyList<EnergyRankingItem> Items);

/// <param name="Note">Why there is no value, or how it was scaled.</param>
internal sealed record EnergyRankingItem(
    int? Rank, Guid BuildingId, string Name, string Use, double? Value, double Kwh, decimal? Cost, string? Currency, double? Co2Kg,
    double? EuiKwhPerM2Year, double FloorAreaM2, double Coverage, string? Method, string? Note);

/// <summary>A period beside an earlier one.</summary>
/// <param name="With"><c>previous</c> or <c>lastYear</c>.</param>
/// <param name="Notes">By member of <paramref name="Change"/>: why it is null, or what to mind.</param>
internal sealed record EnergyComparisonResponse(
    string With, EnergyResponse Current, EnergyResponse Previous, EnergyChange Change, IReadOnlyDictionary<string, string> Notes);

/// <summary>Current less previous; percentages are of the previous, and null where that is 0 or not known.</summary>
internal sealed record EnergyChange(
    double Kwh, double? KwhPercent, decimal? Cost, double? CostPercent, double? Co2Kg, double? Co2Percent, double? PeakKw, double? PeakPercent);

/// <summary>A figure and everything that made it.</summary>
internal sealed record EnergyExplanationResponse(
    EnergyResponse Figure, int Buckets, IReadOnlyList<MeterExplanation> Meters, IReadOnlyList<LeftOutSensor> LeftOut,
    IReadOnlyList<TariffExplanation> Tariffs, IReadOnlyList<Co2FactorUse> Co2Factors, EnergyRules Rules);

/// <param name="KwhPerUnit">kWh (of a power gauge: kW) in one unit.</param>
/// <param name="ReadingsRead">Readings looked at, the few beyond the period's edges that a step across needs included; bad ones are not.</param>
/// <param name="HeldReadings">Readings of the period that ingest holds as implausible; released, they count.</param>
/// <param name="Steps">Steps (intervals, differences, stretches of power) that lie at least partly in the period and were counted.</param>
/// <param name="QuarantinedSteps">The first 100 of the steps that were left out.</param>
internal sealed record MeterExplanation(
    Guid SensorId, Guid BuildingId, string Name, string Quantity, string Unit, string Kind, string Carrier, double IntervalSeconds,
    double KwhPerUnit, double? RegisterMaximum, double? RatedPowerKw, int ReadingsRead, int HeldReadings, DateTimeOffset? FirstReading,
    DateTimeOffset? LastReading, int Steps, int Quarantined, IReadOnlyList<QuarantinedStep> QuarantinedSteps, double Kwh, double Coverage, string? Method);

internal sealed record QuarantinedStep(DateTimeOffset From, DateTimeOffset To);

/// <param name="Reason">Why it does not count.</param>
internal sealed record LeftOutSensor(Guid SensorId, Guid BuildingId, string Name, string Reason);

/// <param name="Version">The tariff's version, as in its ETag, that made the figure.</param>
/// <param name="UnpricedKwh">Energy that none of the rates fits.</param>
internal sealed record TariffExplanation(
    Guid BuildingId, Guid TariffId, string Name, int Version, string Currency, string? Carrier, IReadOnlyList<RateExplanation> Rates,
    IReadOnlyList<DemandExplanation> Demand, double UnpricedKwh);

internal sealed record RateExplanation(DateOnly? ValidFrom, EnergyRateResponse Rate, double Kwh, decimal Cost);

/// <param name="Month">The first day of the local month.</param>
internal sealed record DemandExplanation(DateOnly Month, double PeakKw, DateTimeOffset PeakAt, decimal ChargePerKw, decimal Cost);

/// <summary>The settings and rules behind every figure.</summary>
internal sealed record EnergyRules(double GasKwhPerM3, int PeakBlockMinutes, int GapIntervals, double LargestStepKwh, string Description);
