using System.Text.Json.Serialization;

namespace CityPulse.Api.Analytics;

/// <summary>One metric, grouped.</summary>
public sealed record AnalyticsQueryRequest
{
    /// <summary>
    /// Required. Of readings: <c>avg</c>, <c>min</c>, <c>max</c> (gauges and deltas), <c>sum</c> (deltas and counters), <c>count</c>. Of meters: <c>kwh</c>.
    /// </summary>
    public string? Metric { get; init; }
    /// <summary>Required but for <c>count</c> and <c>kwh</c>, and where it is among the groups: what is not of one quantity has no common mean.</summary>
    public string? Quantity { get; init; }
    /// <summary><c>building</c>, <c>use</c>, <c>quantity</c>, <c>time</c>, each at most once; without any there is one figure.</summary>
    public IReadOnlyList<string>? GroupBy { get; init; }
    /// <summary><c>15m</c>, <c>1h</c> or <c>1d</c> (the default); of readings <c>1m</c> too, of kWh <c>1mo</c> too.</summary>
    public string? Resolution { get; init; }
    /// <summary>Seven days before <c>to</c> without it.</summary>
    public DateTimeOffset? From { get; init; }
    /// <summary>Now without it.</summary>
    public DateTimeOffset? To { get; init; }
    public AnalyticsFilterRequest? Filters { get; init; }
}

/// <summary>What to look at; every member narrows it further.</summary>
public sealed record AnalyticsFilterRequest
{
    public Guid? BuildingId { get; init; }
    public IReadOnlyList<Guid>? BuildingIds { get; init; }
    public Guid? SensorId { get; init; }
    public IReadOnlyList<Guid>? SensorIds { get; init; }
    /// <summary>Of the building.</summary>
    public string? Use { get; init; }
    /// <summary>Of the sensor.</summary>
    public string? Tag { get; init; }
    /// <summary>Of the meters, for <c>kwh</c>: <c>electricity</c>, <c>gas</c> or <c>heat</c>.</summary>
    public string? Carrier { get; init; }
}

/// <param name="Unit">UCUM code of all values; null for counts, and where the rows are of several quantities and name their own.</param>
internal sealed record AnalyticsQueryResponse(
    string Metric, string? Quantity, string? Unit, IReadOnlyList<string> GroupBy, string? Resolution, DateTimeOffset From, DateTimeOffset To,
    IReadOnlyList<AnalyticsRow> Items);

/// <summary>One group. Members that are not grouped by are absent.</summary>
/// <param name="At">When the bucket begins.</param>
/// <param name="Count">Readings behind the value; of kWh absent.</param>
/// <param name="Coverage">Of kWh: share of the time, over all meters, of which something is known.</param>
internal sealed record AnalyticsRow(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Guid? BuildingId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Building,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Use,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Quantity,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Unit,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? At,
    double? Value,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Count,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Coverage);
