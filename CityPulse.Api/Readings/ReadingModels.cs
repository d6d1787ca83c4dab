using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;

namespace CityPulse.Api.Readings;

/// <param name="From">The last seven days by default; <c>[from, to)</c>.</param>
/// <param name="Resolution"><c>raw</c> (default), <c>1m</c>, <c>15m</c>, <c>1h</c>, <c>1d</c>, or <c>auto</c> for about a thousand points.</param>
/// <param name="Limit">1..500; 50 by default when raw. Buckets come all at once without it.</param>
/// <param name="Order"><c>asc</c> (default) or <c>desc</c>.</param>
/// <param name="Gaps">Adds the times longer than three intervals of the sensor without a reading; the first thousand of the period.</param>
public sealed record ReadingFilter(string? From, string? To, string? Resolution, int? Limit, string? Cursor, string? Order, bool? Gaps = null);

/// <param name="BuildingId">The sensors of one building only.</param>
/// <param name="Limit">1..500; without it every sensor's reading comes at once.</param>
public sealed record LatestFilter([property: FromQuery] Guid? BuildingId, int? Limit, string? Cursor);

/// <summary>Readings of one sensor. The items are of one kind, as the resolution says.</summary>
/// <param name="Unit">UCUM code of all values.</param>
/// <param name="Resolution">As it was answered: <c>auto</c> is resolved.</param>
/// <param name="Gaps">Of the whole period, whatever the page; only where they were asked for.</param>
internal sealed record ReadingsResponse<T>(
    Guid SensorId, string Unit, string Resolution, IReadOnlyList<T> Items, string? NextCursor,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<GapItem>? Gaps);

/// <param name="From">The last reading before, or the period's beginning.</param>
/// <param name="To">The next reading, or the period's end (now, if that is earlier).</param>
internal sealed record GapItem(DateTimeOffset From, DateTimeOffset To);

internal sealed record ReadingItem(DateTimeOffset At, double Value);

/// <param name="At">When the bucket begins.</param>
/// <param name="Avg">Of the readings, each counting the same; null, like the sum, where their sum is beyond all numbers.</param>
/// <param name="Last">The latest reading's value.</param>
internal sealed record BucketItem(DateTimeOffset At, double? Avg, double Min, double Max, double? Sum, int Count, double Last);

/// <summary>The newest reading of a sensor.</summary>
internal sealed record LatestItem(Guid SensorId, Guid BuildingId, DateTimeOffset At, double Value, string Unit);
