using System.Linq.Expressions;
using CityPulse.Api.Alerts;
using CityPulse.Api.Data;
using CityPulse.Api.Events;
using CityPulse.Api.Http;
using CityPulse.Api.Sensors.Domain;
using CityPulse.Contracts;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Sensors;

/// <summary>Sensors with their newest reading: one index lookup a sensor, one round trip a list.</summary>
internal static class SensorQueries
{
    internal sealed class Row
    {
        public required Sensor Sensor { get; init; }
        public DateTimeOffset? LastAt { get; init; }
        public double? LastValue { get; init; }
    }

    // Two scalar subqueries and not a join of the newest row: EF would make of that a window over the whole table of
    // readings, while each of these is one step into the index. They see the same snapshot, so they fit each other.
    public static IQueryable<Row> WithLast(this IQueryable<Sensor> sensors, CityDb db) => sensors.Select(s => new Row
    {
        Sensor = s,
        LastAt = db.Set<StoredReading>().Where(r => r.SensorKey == s.Key)
            .OrderByDescending(r => r.ObservedAt).Select(r => (DateTimeOffset?)r.ObservedAt).FirstOrDefault(),
        LastValue = db.Set<StoredReading>().Where(r => r.SensorKey == s.Key)
            .OrderByDescending(r => r.ObservedAt).Select(r => (double?)r.Value).FirstOrDefault(),
    });

    public static Task<SensorResponse?> FindAsync(CityDb db, Guid id, DateTimeOffset now, CancellationToken cancellationToken) =>
        db.Sensors.AsNoTracking().Where(s => s.Id == id).WithLast(db).Select(ToResponse(now)).SingleOrDefaultAsync(cancellationToken);

    /// <summary>A page in order of creation.</summary>
    public static async Task<Page<SensorResponse>> ListAsync(
        CityDb db, IQueryable<Sensor> sensors, string? status, PageStart<IdKey> page, DateTimeOffset now, CancellationToken cancellationToken)
    {
        sensors = sensors.AsNoTracking();
        if (page.After is { } after)
        {
            sensors = sensors.Where(s => s.Id > after.Id);
        }

        // Without a filter on it the newest reading is looked up for the page's sensors only.
        var rows = status is null
            ? sensors.OrderBy(s => s.Id).Take(page.Fetch).WithLast(db)
            : sensors.WithLast(db).Where(HasStatus(status, now));
        var items = await rows.OrderBy(r => r.Sensor.Id).Take(page.Fetch).Select(ToResponse(now)).ToListAsync(cancellationToken);
        return page.ToPage(items, s => new IdKey(s.Id));
    }

    /// <summary>When the first of these sensors gets another status by silence alone.</summary>
    public static DateTimeOffset? HoldsUntil(IEnumerable<SensorResponse> sensors, DateTimeOffset now) =>
        sensors.Min(s => SensorStatus.ChangesAt(s.LastReading?.At, s.IntervalSeconds, now));

    /// <summary>A building's sensors, kept from any other change until the transaction ends.</summary>
    public static Task<List<Sensor>> LockOfBuildingAsync(CityDb db, Guid buildingId, CancellationToken cancellationToken) =>
        db.Sensors.FromSql(
            $"SELECT * FROM sensors WHERE organization_id = {db.OrganizationId} AND building_id = {buildingId} ORDER BY id FOR UPDATE")
            .ToListAsync(cancellationToken);

    /// <summary>Deletes locked sensors with the next save, and tells it.</summary>
    public static async Task RemoveAsync(
        CityDb db, Outbox outbox, AlertRetirement alerts, IReadOnlyCollection<Sensor> sensors, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (sensors.Count == 0)
        {
            return;
        }

        var ids = sensors.Select(s => s.Id).ToArray();
        var shown = await db.Sensors.AsNoTracking().Where(s => ids.Contains(s.Id)).WithLast(db).Select(ToResponse(now)).ToListAsync(cancellationToken);
        foreach (var building in sensors.GroupBy(s => s.BuildingId))
        {
            await alerts.SensorsDeletedAsync(building.Key, [.. building.Select(s => s.Id)], cancellationToken);
        }

        // Their readings go with them, by the database's own hand (ReadingsMigration).
        db.RemoveRange(sensors);
        foreach (var sensor in shown)
        {
            outbox.Append(db, db.OrganizationId, "sensor.deleted", [Topics.Buildings], sensor);
        }
    }

    public static Expression<Func<Row, SensorResponse>> ToResponse(DateTimeOffset now) => r => new SensorResponse(
        r.Sensor.Id,
        r.Sensor.BuildingId,
        r.Sensor.ExternalId,
        r.Sensor.Name,
        r.Sensor.Quantity,
        r.Sensor.Unit,
        r.Sensor.Kind,
        r.Sensor.IntervalSeconds,
        r.Sensor.MinValue,
        r.Sensor.MaxValue,
        r.Sensor.Kind == SensorKinds.Gauge ? r.Sensor.Interpolation : null,
        r.Sensor.Kind == SensorKinds.Delta ? r.Sensor.IntervalLabel : null,
        r.Sensor.RegisterMaximum,
        r.Sensor.RatedPowerKw,
        r.Sensor.Submeter,
        r.Sensor.Tags,
        "",
        Last(r.LastAt, r.LastValue),
        r.Sensor.CreatedAt,
        r.Sensor.UpdatedAt,
        r.Sensor.Version).WithStatus(now);

    private static LastReading? Last(DateTimeOffset? at, double? value) =>
        at is { } time && value is { } number ? new LastReading(time, number) : null;

    /// <summary>The same decision as <see cref="SensorStatus.Of"/>, in the database; a test holds the two together.</summary>
    private static Expression<Func<Row, bool>> HasStatus(string status, DateTimeOffset now)
    {
        var dayAgo = now - SensorStatus.UntilOffline;
        return status switch
        {
            SensorStatus.Never => r => r.LastAt == null,
            SensorStatus.Online => r => r.LastAt!.Value.AddSeconds(SensorStatus.IntervalsUntilStale * r.Sensor.IntervalSeconds) > now,
            SensorStatus.Stale => r => r.LastAt > dayAgo
                && r.LastAt!.Value.AddSeconds(SensorStatus.IntervalsUntilStale * r.Sensor.IntervalSeconds) <= now,
            SensorStatus.Offline => r => r.LastAt <= dayAgo
                && r.LastAt!.Value.AddSeconds(SensorStatus.IntervalsUntilStale * r.Sensor.IntervalSeconds) <= now,
            _ => throw new ArgumentOutOfRangeException(nameof(status), status, "This is no status of a sensor."),
        };
    }
}
