using CityPulse.Api.Data;
using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Api.Sensors.Domain;
using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Energy;

/// <summary>The sensor of the outdoor temperature.</summary>
/// <param name="Tagged">Whether somebody said so: by the tag <c>outdoor</c>, or by naming it in the question.</param>
internal sealed record WeatherSensor(Guid Id, int Key, string Unit, bool Tagged);

/// <summary>Weather is readings like any other: those of a sensor that measures the outdoor temperature.</summary>
internal sealed class WeatherReader(CityDb db, TenantDatabase database)
{
    public const string OutdoorTag = "outdoor";

    private const string Temperature = "temperature";
    /// <summary>CalTRACK: a day of which fewer hours are known has no mean.</summary>
    private const double LeastShareOfHours = 0.5;

    /// <summary>The sensor that is asked for, wherever in the organisation it is; else the building's own.</summary>
    public async Task<WeatherSensor?> FindSensorAsync(Guid buildingId, Guid? sensorId, CancellationToken cancellationToken)
    {
        var sensors = await db.Sensors.AsNoTracking()
            .Where(s => s.Quantity == Temperature && s.Kind == SensorKinds.Gauge && (sensorId == null ? s.BuildingId == buildingId : s.Id == sensorId))
            .OrderBy(s => s.Id)
            .Select(s => new WeatherSensor(s.Id, s.Key, s.Unit, sensorId != null || s.Tags.Contains(OutdoorTag)))
            .ToListAsync(cancellationToken);
        return sensors.FirstOrDefault(s => s.Tagged) ?? (sensors.Count == 1 ? sensors[0] : null);
    }

    /// <summary>The local days that the period touches, from the means of their hours.</summary>
    public async Task<Dictionary<DateOnly, WeatherDay>> DaysAsync(
        WeatherSensor sensor, EnergyPeriod period, TimeZoneInfo zone, CancellationToken cancellationToken)
    {
        var hours = new Dictionary<DateOnly, List<double>>();
        await using var command = database.Requests.CreateCommand($"""
            select date_trunc('hour', observed_at, 'UTC'), avg(value) from readings
            where sensor_key = $1 and observed_at >= $2 and observed_at < $3 and quality <> {(byte)ReadingQuality.Bad}
            group by 1 order by 1
            """);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = sensor.Key });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = period.From.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = period.To.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        var temperature = QuantityTable.All[Temperature];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var day = CivilTime.DayOf(new DateTimeOffset(reader.GetDateTime(0).Ticks, TimeSpan.Zero), zone);
            if (!hours.TryGetValue(day, out var known))
            {
                hours[day] = known = [];
            }

            known.Add(temperature.ToBase(reader.GetDouble(1), sensor.Unit));
        }

        return hours.Where(d => d.Value.Count >= LeastShareOfHours * 24).ToDictionary(d => d.Key, d => new WeatherDay(d.Key, [.. d.Value]));
    }
}
