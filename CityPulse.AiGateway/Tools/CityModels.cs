namespace CityPulse.AiGateway.Tools;

// What Api answers, as far as the tools need it.
internal sealed record ApiBuilding(Guid Id, string Name, string? Code, string Use, double FloorAreaM2, string TimeZone, ApiAddress? Address = null);

internal sealed record ApiAddress(string? City);

internal sealed record ApiSensor(
    Guid Id, Guid BuildingId, string? ExternalId, string Name, string Quantity, string Unit, string Status, ApiLastReading? LastReading);

internal sealed record ApiLastReading(DateTimeOffset At, double Value);

internal sealed record ApiEnergy(DateTimeOffset From, DateTimeOffset To, ApiEnergyTotals Totals, List<ApiEnergyItem> Items);

internal sealed record ApiEnergyTotals(
    double Kwh, double? Co2Kg, double? PeakKw, DateTimeOffset? PeakAt, double? LoadFactor, double? EuiKwhPerM2Year, double Coverage,
    Dictionary<string, string>? Notes = null);

internal sealed record ApiEnergyItem(DateTimeOffset At, double Kwh, double Coverage);

internal sealed record ApiRanking(DateTimeOffset From, DateTimeOffset To, string Metric, string Unit, List<ApiRankingItem> Items);

internal sealed record ApiRankingItem(
    int? Rank, Guid BuildingId, string Name, string Use, double? Value, double Kwh, double Coverage, string? Note = null);

// What the tools answer. Summary is one line for the log of calls; Source the address that gives the same figures again.
internal sealed record BuildingsResult(string Summary, string Source, int Count, bool Complete, IReadOnlyList<BuildingItem> Items);

internal sealed record BuildingItem(Guid Id, string Name, string? Code, string Use, string? City, string TimeZone, double FloorAreaM2);

internal sealed record SensorsResult(
    string Summary, string Source, int Count, bool Complete, IReadOnlyDictionary<string, int> ByStatus, IReadOnlyList<SensorItem> Items);

internal sealed record SensorItem(
    Guid Id, Guid BuildingId, string Name, string Quantity, string Unit, string Status, DateTimeOffset? LastAt, double? LastValue);

internal sealed record EnergyResult(
    string Summary, string Source, DateTimeOffset From, DateTimeOffset To, double Kwh, double? Co2Kg, double? PeakKw, DateTimeOffset? PeakAt,
    double? LoadFactor, double? EuiKwhPerM2Year, double Coverage, IReadOnlyDictionary<string, string> Notes);

internal sealed record RankingResult(
    string Summary, string Source, DateTimeOffset From, DateTimeOffset To, string Metric, string Unit, string Order, int Ranked, int WithoutData,
    IReadOnlyList<ApiRankingItem> Items);

internal sealed record ComparisonResult(
    string Summary, EnergyResult First, EnergyResult Second, double ChangeKwh, double? ChangePercent);

internal sealed record ToolError(string Summary, string Error, int? Status);
