using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Readings.Ingest;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Energy.Live;

/// <summary>The data of <c>energy.updated</c>.</summary>
/// <param name="KwhToday">Since local midnight.</param>
/// <param name="KwNow">The power that the building's meters told last.</param>
internal sealed record EnergyUpdate(Guid BuildingId, double KwhToday, double KwNow);

/// <summary>Works out what a building has used today and draws now.</summary>
internal sealed class EnergyNow(EnergyReader reader, NpgsqlDataSource source, TimeProvider time)
{
    private static readonly TimeSpan LeastLookBack = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestLookBack = TimeSpan.FromDays(40);

    /// <returns>Null when the building has no meter, or is gone.</returns>
    public async Task<EnergyUpdate?> FindAsync(Guid buildingId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var buildings = await reader.BuildingsAsync(buildingId, cancellationToken);
        if (buildings is not [var building])
        {
            return null;
        }

        var sensors = await reader.SensorsAsync(buildings, carrier: null, cancellationToken);
        return sensors.Count == 0
            ? null
            : new EnergyUpdate(buildingId, await TodayAsync(building, sensors, now, cancellationToken), await PowerAsync(sensors, now, cancellationToken));
    }

    private async Task<double> TodayAsync(
        EnergyBuilding building, List<EnergySensor> sensors, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(building.TimeZone);
        var midnight = CivilTime.StartOf(CivilTime.DayOf(now, zone), zone);
        if (midnight >= now || BucketGrid.Create(midnight, now, EnergyResolution.Day, zone) is not { } grid)
        {
            return 0;
        }

        var tally = new EnergyTally(grid);
        await reader.RunAsync(
            sensors,
            new EnergyPeriod(midnight, now),
            _ =>
            {
                tally.BeginMeter(null);
                return tally;
            },
            cancellationToken);
        return tally.TotalKWh;
    }

    private async Task<double> PowerAsync(List<EnergySensor> sensors, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var lookBack = 5 * sensors.Max(s => s.Spec.Interval);
        lookBack = lookBack < LeastLookBack ? LeastLookBack : lookBack > LongestLookBack ? LongestLookBack : lookBack;
        var newest = new Dictionary<int, List<(long At, double Value)>>();
        await using var command = source.CreateCommand($"""
            SELECT k.key, r.observed_at, r.value
            FROM unnest($1) AS k (key)
            CROSS JOIN LATERAL (
                SELECT observed_at, value FROM readings
                WHERE sensor_key = k.key AND observed_at > $2 AND observed_at <= $3 AND quality <> {(byte)ReadingQuality.Bad}
                ORDER BY observed_at DESC LIMIT 2) r
            """);
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. sensors.Select(s => s.Key)] });
        command.Parameters.Add(Time(now - lookBack));
        command.Parameters.Add(Time(now));
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        while (await rows.ReadAsync(cancellationToken))
        {
            var key = rows.GetInt32(0);
            if (!newest.TryGetValue(key, out var readings))
            {
                newest.Add(key, readings = []);
            }

            readings.Add((rows.GetDateTime(1).Ticks, rows.GetDouble(2)));
        }

        return sensors.Where(s => newest.ContainsKey(s.Key)).Sum(s =>
        {
            var readings = newest[s.Key].OrderByDescending(r => r.At).ToList();
            return CurrentPower.Of(s.Spec, readings[0].At, readings[0].Value, readings.Count > 1 ? readings[1] : null, now.UtcTicks);
        });
    }

    private static NpgsqlParameter<DateTime> Time(DateTimeOffset at) => new() { TypedValue = at.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
