namespace CityPulse.Api.Energy;

/// <summary>Energy of a building or of the whole portfolio in <c>[from, to)</c>.</summary>
/// <param name="TimeZone">The zone of the days and months; UTC for a portfolio whose buildings lie in several.</param>
internal sealed record EnergyResponse(
    DateTimeOffset From, DateTimeOffset To, string Resolution, string TimeZone, Guid? BuildingId, string? Carrier,
    EnergyTotals Totals, IReadOnlyList<EnergyItem> Items);

/// <param name="PeakKw">The largest average of a quarter hour.</param>
/// <param name="EuiKwhPerM2Year">kWh per square metre of floor area and year.</param>
/// <param name="Coverage">Share of the time, over all meters, of which something is known: 0..1.</param>
/// <param name="Method"><c>delta</c>, <c>counter</c>, <c>integrated</c>, <c>estimated</c> or <c>mixed</c>; null without data.</param>
/// <param name="Meters">Meters that count: submeters do not.</param>
/// <param name="Quarantined">Steps left out because they cannot be true: negative, or more than the rated power delivers.</param>
/// <param name="Notes">By member: why it is null, or how it was scaled.</param>
internal sealed record EnergyTotals(
    double Kwh, decimal? Cost, string? Currency, double? Co2Kg, double? PeakKw, DateTimeOffset? PeakAt, double? LoadFactor,
    double? EuiKwhPerM2Year, double Coverage, string? Method, int Meters, int Quarantined, IReadOnlyDictionary<string, string> Notes);

/// <param name="At">When the bucket begins.</param>
internal sealed record EnergyItem(DateTimeOffset At, double Kwh, decimal? Cost, double? Co2Kg, double Coverage, string? Method);

/// <summary>Buildings by one metric, worst first; those of which nothing is known come last, without a rank.</summary>
internal sealed record EnergyRankingResponse(
    DateTimeOffset From, DateTimeOffset To, string Metric, string Unit, IReadOnlyList<EnergyRankingItem> Items);

/// <param name="Note">Why there is no value, or how it was scaled.</param>
internal sealed record EnergyRankingItem(
    int? Rank, Guid BuildingId, string Name, string Use, double? Value, double Kwh, double? Co2Kg, double? EuiKwhPerM2Year,
    double FloorAreaM2, double Coverage, string? Method, string? Note);
