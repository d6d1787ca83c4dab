namespace CityPulse.AiGateway.Tools;

// What Api answers, as far as the tools need it.
internal sealed record ApiBuilding(Guid Id, string Name, string? Code, string Use, double FloorAreaM2, string TimeZone, ApiAddress? Address = null);

internal sealed record ApiAddress(string? City);

internal sealed record ApiSensor(
    Guid Id, Guid BuildingId, string? ExternalId, string Name, string Quantity, string Unit, string Status, ApiLastReading? LastReading, string? Kind = null);

internal sealed record ApiLastReading(DateTimeOffset At, double Value);

internal sealed record ApiEnergy(DateTimeOffset From, DateTimeOffset To, ApiEnergyTotals Totals, List<ApiEnergyItem> Items);

internal sealed record ApiEnergyTotals(
    double Kwh, double? Cost, string? Currency, double? Co2Kg, double? PeakKw, DateTimeOffset? PeakAt, double? LoadFactor, double? EuiKwhPerM2Year, double Coverage,
    Dictionary<string, string>? Notes = null);

internal sealed record ApiEnergyItem(DateTimeOffset At, double Kwh, double Coverage);

internal sealed record ApiRanking(DateTimeOffset From, DateTimeOffset To, string Metric, string Unit, List<ApiRankingItem> Items);

internal sealed record ApiRankingItem(
    int? Rank, Guid BuildingId, string Name, string Use, double? Value, double Kwh, double Coverage, string? Currency = null, string? Note = null);

/// <summary>A reading or a bucket of readings, as the resolution has it.</summary>
internal sealed record ApiPoint(
    DateTimeOffset At, double? Value = null, double? Avg = null, double? Min = null, double? Max = null, double? Sum = null, int? Count = null, double? Last = null);

internal sealed record ApiReadings(Guid SensorId, string Unit, string Resolution, List<ApiPoint> Items, string? NextCursor = null);

internal sealed record ApiLatest(Guid SensorId, Guid BuildingId, DateTimeOffset At, double Value, string Unit);

internal sealed record ApiEnergyForecast(
    DateTimeOffset? From, int HorizonHours, string Method, double Band, bool? BeatsNaive, string? Note, List<ApiEnergyForecastItem> Items);

internal sealed record ApiEnergyForecastItem(DateTimeOffset At, double Kwh, double Low, double High);

internal sealed record ApiSensorForecast(
    string Unit, DateTimeOffset? From, int HorizonHours, string Method, double Band, bool? BeatsNaive, string? Note, List<ForecastPointItem> Items);

internal sealed record ApiAlert(
    Guid Id, Guid? SensorId, Guid BuildingId, string Severity, string State, double? Value, double? Threshold, string Message, DateTimeOffset RaisedAt,
    DateTimeOffset? ClearedAt = null, DateTimeOffset? ClosedAt = null);

internal sealed record ApiAnomaly(DateTimeOffset At, double Value, double Expected, double Score);

internal sealed record ApiQuality(DateTimeOffset From, DateTimeOffset To, List<ApiSensorQuality> Items);

internal sealed record ApiSensorQuality(
    Guid SensorId, string Name, string Quantity, long Expected, int Received, double Completeness, int GapCount, long LongestGapSeconds, List<ApiGap> Gaps,
    List<ApiStuck> StuckValues, int SpikeCount);

internal sealed record ApiGap(DateTimeOffset From, DateTimeOffset To, long Missing);

internal sealed record ApiStuck(DateTimeOffset From, DateTimeOffset To, double Value, int Count);

// What the tools answer. Summary is one line for the log of calls; Source the address that gives the same figures again.
internal sealed record BuildingsResult(string Summary, string Source, int Count, bool Complete, IReadOnlyList<BuildingItem> Items);

internal sealed record BuildingItem(Guid Id, string Name, string? Code, string Use, string? City, string TimeZone, double FloorAreaM2);

internal sealed record SensorsResult(
    string Summary, string Source, int Count, bool Complete, IReadOnlyDictionary<string, int> ByStatus, IReadOnlyList<SensorItem> Items);

internal sealed record SensorItem(
    Guid Id, Guid BuildingId, string Name, string Quantity, string Unit, string Status, DateTimeOffset? LastAt, double? LastValue);

internal sealed record EnergyResult(
    string Summary, string Source, DateTimeOffset From, DateTimeOffset To, double Kwh, double? Cost, string? Currency, double? Co2Kg, double? PeakKw,
    DateTimeOffset? PeakAt, double? LoadFactor, double? EuiKwhPerM2Year, double Coverage, IReadOnlyDictionary<string, string> Notes);

internal sealed record RankingResult(
    string Summary, string Source, DateTimeOffset From, DateTimeOffset To, string Metric, string Unit, string Order, int Ranked, int WithoutData,
    IReadOnlyList<ApiRankingItem> Items);

internal sealed record ComparisonResult(
    string Summary, EnergyResult First, EnergyResult Second, double ChangeKwh, double? ChangePercent);

/// <param name="Complete">False where there are more such sensors than were looked at.</param>
internal sealed record ReadingsResult(
    string Summary, DateTimeOffset? From, DateTimeOffset? To, bool Complete, IReadOnlyList<SensorReadings> Sensors);

/// <param name="Average">Of all readings, each counting the same.</param>
/// <param name="Total">Of amounts and meters: what came together in the period; null for values such as a temperature.</param>
/// <param name="Points">The newest ones, oldest first; of buckets their average.</param>
internal sealed record SensorReadings(
    Guid SensorId, Guid BuildingId, string Name, string Quantity, string Unit, string Source, string Resolution, long Count, double? Average, double? Lowest,
    DateTimeOffset? LowestAt, double? Highest, DateTimeOffset? HighestAt, double? Total, IReadOnlyList<PointItem> Points);

internal sealed record PointItem(DateTimeOffset At, double Value);

internal sealed record LatestResult(string Summary, string Source, int Count, bool Complete, IReadOnlyList<ApiLatest> Items);

/// <param name="Method">What made it; a naive one repeats an earlier day or week.</param>
/// <param name="TotalKwh">Of all hours; null where there is no forecast, or where it is of a sensor.</param>
internal sealed record ForecastResult(
    string Summary, string Source, DateTimeOffset? From, int HorizonHours, string Unit, string Method, bool? BeatsNaive, string? Note, double? TotalKwh,
    ForecastPointItem? Highest, IReadOnlyList<ForecastPointItem> Items);

/// <param name="Low">Lower end of the 80 % band.</param>
/// <param name="High">Upper end of the 80 % band.</param>
internal sealed record ForecastPointItem(DateTimeOffset At, double Value, double Low, double High);

internal sealed record AlertsResult(
    string Summary, string Source, int Count, bool Complete, IReadOnlyDictionary<string, int> ByState, IReadOnlyDictionary<string, int> BySeverity,
    IReadOnlyList<AlertItem> Items);

internal sealed record AlertItem(
    Guid Id, Guid BuildingId, Guid? SensorId, string Severity, string State, string Message, double? Value, double? Threshold, DateTimeOffset RaisedAt,
    DateTimeOffset? ClearedAt);

/// <param name="Complete">False where there are more such sensors than were looked at.</param>
internal sealed record AnomaliesResult(
    string Summary, DateTimeOffset? From, DateTimeOffset? To, int Count, bool Complete, IReadOnlyList<SensorAnomalies> Sensors);

internal sealed record SensorAnomalies(
    Guid SensorId, Guid BuildingId, string Name, string Quantity, string Unit, string Source, int Count, IReadOnlyList<ApiAnomaly> Worst);

/// <param name="Completeness">Readings that came, of those that should have, over all sensors: 0 to 1; null where none should have.</param>
internal sealed record QualityResult(
    string Summary, string Source, DateTimeOffset From, DateTimeOffset To, int Sensors, double? Completeness, int SensorsWithGaps, int Gaps, int Spikes,
    IReadOnlyList<QualityItem> Worst);

internal sealed record QualityItem(
    Guid SensorId, string Name, string Quantity, long Expected, int Received, double Completeness, int GapCount, double LongestGapHours,
    DateTimeOffset? LongestGapFrom, int StuckStretches, int SpikeCount);

internal sealed record ToolError(string Summary, string Error, int? Status);
