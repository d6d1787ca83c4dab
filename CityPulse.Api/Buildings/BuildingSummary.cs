using CityPulse.Api.Alerts;
using CityPulse.Api.Data;
using CityPulse.Api.Energy;
using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Sensors;
using CityPulse.Api.Sensors.Domain;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Buildings;

/// <summary>A building at a glance. Days and months are the building's own.</summary>
/// <param name="OpenAlerts">Alerts that are not closed, of its sensors and of itself.</param>
/// <param name="LastReadings">The newest reading of each sensor, newest first; at most 100.</param>
internal sealed record BuildingSummary(
    Guid BuildingId, string Name, SensorStates Sensors, int OpenAlerts, EnergySummary Energy, IReadOnlyList<SensorValue> LastReadings);

internal sealed record SensorStates(int Total, int Online, int Stale, int Offline, int Never);

internal sealed record EnergySummary(EnergySoFar Today, EnergySoFar ThisMonth);

/// <param name="From">Local midnight; the period ends now.</param>
/// <param name="Coverage">Share of the period of which something is known: 0..1.</param>
internal sealed record EnergySoFar(DateTimeOffset From, double Kwh, decimal? Cost, double? Co2Kg, double Coverage);

internal sealed record SensorValue(Guid SensorId, string Name, string Quantity, string Unit, DateTimeOffset At, double Value);

internal sealed class BuildingSummaries(CityDb db, EnergyReport energy, TimeProvider clock)
{
    private const int MaxLastReadings = 100;

    public async Task<BuildingSummary?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (await BuildingQueries.FindAsync(db, id, cancellationToken) is not { } building)
        {
            return null;
        }

        var sensors = await db.Sensors.AsNoTracking().Where(s => s.BuildingId == id)
            .WithLast(db).Select(SensorQueries.ToResponse(now)).ToListAsync(cancellationToken);
        return new BuildingSummary(
            id,
            building.Name,
            new SensorStates(sensors.Count, Count(SensorStatus.Online), Count(SensorStatus.Stale), Count(SensorStatus.Offline), Count(SensorStatus.Never)),
            await AlertQueries.CountOpenAsync(db, id, cancellationToken),
            await EnergyAsync(building, now, cancellationToken),
            [.. sensors
                .Where(s => s.LastReading is not null)
                .Select(s => new SensorValue(s.Id, s.Name, s.Quantity, s.Unit, s.LastReading!.At, s.LastReading.Value))
                .OrderByDescending(v => v.At).ThenBy(v => v.SensorId)
                .Take(MaxLastReadings)]);

        int Count(string status) => sensors.Count(s => s.Status == status);
    }

    private async Task<EnergySummary> EnergyAsync(BuildingResponse building, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(building.TimeZone);
        var day = CivilTime.DayOf(now, zone);
        var today = CivilTime.StartOf(day, zone);
        var month = CivilTime.StartOf(new DateOnly(day.Year, day.Month, 1), zone);
        var report = month < now
            ? (await energy.GetAsync(new EnergyQuestion(building.Id, new EnergyPeriod(month, now), EnergyResolution.Day), cancellationToken)).Answer
            : null;
        if (report is null)
        {
            // The first instant of a month, or a building that has just gone: nothing has been used yet.
            return new(new(today, 0, null, null, 0), new(month, 0, null, null, 0));
        }

        var item = report.Items.LastOrDefault(i => i.At == today);
        return new(
            new(today, item?.Kwh ?? 0, item?.Cost, item?.Co2Kg, item?.Coverage ?? 0),
            new(month, report.Totals.Kwh, report.Totals.Cost, report.Totals.Co2Kg, report.Totals.Coverage));
    }
}
