using System.Data;
using CityPulse.Api.Data;
using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Readings.Ingest;
using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Energy;

/// <summary>A building as far as energy is concerned.</summary>
internal sealed record EnergyBuilding(
    Guid Id, string Name, string Use, double FloorAreaM2, string TimeZone, Guid? TariffId, string? EmissionRegion, double? KgPerKWh);

/// <summary>One sensor that counts.</summary>
internal sealed record EnergySensor(int Key, Guid Id, Guid BuildingId, string Name, string Quantity, string Unit, string Kind, MeterSpec Spec)
{
    public string Carrier { get; } = EnergyUnits.CarrierOf(Quantity);
}

/// <summary>What a run read of one sensor.</summary>
internal readonly record struct ReadingsRead(int Count, DateTimeOffset? First, DateTimeOffset? Last);

/// <summary>
/// Reads meters and streams their raw readings through <see cref="EnergyMeter"/>: one round trip for a whole portfolio, and never
/// more rows in memory than the next step needs.
/// </summary>
internal sealed class EnergyReader(CityDb db, TenantDatabase database, IOptions<EnergyOptions> options)
{
    /// <summary>Statements a round trip; keeps the protocol's messages small for cities of thousands of meters.</summary>
    private const int BatchSize = 500;

    /// <summary>A value that its device calls bad is missing: it lowers the coverage and counts for nothing.</summary>
    private static readonly string Usable = $"quality <> {(byte)ReadingQuality.Bad}";

    public Task<List<EnergyBuilding>> BuildingsAsync(Guid? buildingId, CancellationToken cancellationToken) =>
        db.Buildings.AsNoTracking()
            .Where(b => buildingId == null || b.Id == buildingId)
            .OrderBy(b => b.Id)
            .Select(b => new EnergyBuilding(b.Id, b.Name, b.Use, b.FloorAreaM2, b.TimeZone, b.TariffId, b.EmissionRegion, b.CarbonIntensityKgPerKwh))
            .ToListAsync(cancellationToken);

    /// <summary>
    /// The sensors of these buildings that are energy meters of the carrier, building by building; submeters measure again what a main
    /// meter has measured.
    /// </summary>
    public async Task<List<EnergySensor>> SensorsAsync(
        IReadOnlyCollection<EnergyBuilding> buildings, string? carrier, CancellationToken cancellationToken)
    {
        var quantities = EnergyUnits.Quantities(carrier);
        var ids = buildings.Select(b => b.Id).ToArray();
        var sensors = await db.Sensors.AsNoTracking()
            .Where(s => !s.Submeter && quantities.Contains(s.Quantity) && ids.Contains(s.BuildingId))
            .OrderBy(s => s.BuildingId).ThenBy(s => s.Key)
            .Select(s => new
            {
                s.Key, s.Id, s.BuildingId, s.Name, s.Quantity, s.Unit, s.Kind, s.IntervalSeconds, s.Interpolation, s.IntervalLabel,
                s.RegisterMaximum, s.MaxValue, s.RatedPowerKw,
            })
            .ToListAsync(cancellationToken);

        var gas = options.Value.GasKWhPerM3;
        return [.. from s in sensors
            let spec = MeterSpec.Of(
                s.Quantity, s.Unit, s.Kind, s.IntervalSeconds, s.Interpolation, s.IntervalLabel, s.RegisterMaximum, s.MaxValue, s.RatedPowerKw, gas)
            where spec is not null
            select new EnergySensor(s.Key, s.Id, s.BuildingId, s.Name, s.Quantity, s.Unit, s.Kind, spec)];
    }

    /// <summary>Lets every sensor's readings of the period (and the few beyond its edges that a step across needs) run into its sink.</summary>
    /// <param name="done">Is told what was read of each sensor once its last step is made.</param>
    public async Task RunAsync(
        IReadOnlyList<EnergySensor> sensors, EnergyPeriod period, Func<EnergySensor, IEnergySink> begin, CancellationToken cancellationToken,
        Action<EnergySensor, ReadingsRead>? done = null)
    {
        if (sensors.Count == 0)
        {
            return;
        }

        await using var connection = await database.Requests.OpenConnectionAsync(cancellationToken);
        foreach (var chunk in sensors.Chunk(BatchSize))
        {
            await using var batch = new NpgsqlBatch(connection) { Timeout = 120 };
            foreach (var sensor in chunk)
            {
                batch.BatchCommands.Add(Select(sensor, period));
            }

            await using var reader = await batch.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellationToken);
            foreach (var sensor in chunk)
            {
                var meter = EnergyMeter.Create(sensor.Spec, begin(sensor));
                var (count, first, last) = (0, 0L, 0L);
                while (await reader.ReadAsync(cancellationToken))
                {
                    last = reader.GetDateTime(0).Ticks;
                    first = count++ == 0 ? last : first;
                    meter.Read(last, reader.GetDouble(1));
                }

                meter.End();
                done?.Invoke(sensor, count == 0 ? default : new ReadingsRead(count, new(first, TimeSpan.Zero), new(last, TimeSpan.Zero)));
                await reader.NextResultAsync(cancellationToken);
            }
        }
    }

    private static NpgsqlBatchCommand Select(EnergySensor sensor, EnergyPeriod period)
    {
        var (interval, reach) = (sensor.Spec.Interval, TimeSpan.FromTicks(sensor.Spec.Reach));
        var (from, to) = (period.From.UtcDateTime, period.To.UtcDateTime);
        return sensor.Spec.Kind switch
        {
            _ when sensor.Spec.IsCivil && sensor.Spec.Kind is MeterKind.DeltaFromStart or MeterKind.DeltaToEnd => Between(sensor.Key, from - reach, to + reach),
            MeterKind.DeltaFromStart => Between(sensor.Key, from - interval, to),
            MeterKind.DeltaToEnd => Between(sensor.Key, from, to + interval),
            MeterKind.PowerLinear or MeterKind.PowerHeld => Between(sensor.Key, from - (3 * interval), to + (3 * interval)),
            _ => Counter(sensor.Key, from, to),
        };
    }

    private static NpgsqlBatchCommand Between(int key, DateTime from, DateTime to) => new($"""
        select observed_at, value from readings
        where sensor_key = $1 and observed_at between $2 and $3 and {Usable}
        order by observed_at
        """)
    {
        Parameters = { Integer(key), Time(from), Time(to) },
    };

    /// <summary>
    /// A register counts between readings however far apart, and a doubtful reading is judged by those after it: so the rows begin and
    /// end so many valid readings beyond the period's edges.
    /// </summary>
    private static NpgsqlBatchCommand Counter(int key, DateTime from, DateTime to) => new($"""
        select observed_at, value from readings
        where sensor_key = $1
          and observed_at >= coalesce(
            (select observed_at from readings where sensor_key = $1 and observed_at < $2 and value <> 0 and {Usable}
             order by observed_at desc offset {CounterMeter.LookAhead} limit 1), '-infinity')
          and observed_at <= coalesce(
            (select observed_at from readings where sensor_key = $1 and observed_at >= $3 and value <> 0 and {Usable}
             order by observed_at offset {CounterMeter.LookAhead} limit 1), 'infinity')
          and {Usable}
        order by observed_at
        """)
    {
        Parameters = { Integer(key), Time(from), Time(to) },
    };

    private static NpgsqlParameter<int> Integer(int value) => new() { TypedValue = value };

    private static NpgsqlParameter<DateTime> Time(DateTime value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
