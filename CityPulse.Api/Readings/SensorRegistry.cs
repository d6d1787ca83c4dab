using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Quarantine;
using CityPulse.Api.Sensors.Domain;
using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using Npgsql;

namespace CityPulse.Api.Readings;

/// <summary>What ingest has to know of a sensor.</summary>
internal sealed class SensorEntry(int key, Guid id, Guid buildingId, double minValue, double maxValue)
{
    private static readonly Quantity Unknown = new("", "", System.Collections.Frozen.FrozenDictionary<string, UnitConversion>.Empty, "", "", 0);
    private long _newest = long.MinValue;

    public int Key => key;
    public Guid Id => id;
    public Guid BuildingId => buildingId;
    public double MinValue => minValue;
    public double MaxValue => maxValue;

    public string Unit { get; init; } = "";

    public Quantity Quantity { private get; init; } = Unknown;

    /// <summary>What the sensor can have measured, where that is known; null lets everything pass.</summary>
    public PlausibleStep? Plausible { get; init; }

    /// <summary>A value of another unit in the sensor's own.</summary>
    /// <returns>False where the two have nothing to do with each other.</returns>
    public bool TryConvert(string unit, ref double value)
    {
        if (unit == Unit)
        {
            return true;
        }

        if (!Quantity.Allows(unit) || !Quantity.Allows(Unit))
        {
            return false;
        }

        value = Quantity.FromBase(Quantity.ToBase(value, unit), Unit);
        return true;
    }

    /// <summary>An alert rule covers it, so that what is stored of it has to be judged.</summary>
    public bool IsWatched { get; init; }

    /// <summary>
    /// The latest time that this process knows to be stored, in microseconds. What is later is most likely new; it is
    /// a guess that saves work, never the truth.
    /// </summary>
    public long Newest => Volatile.Read(ref _newest);

    public void Stored(long microseconds)
    {
        for (var seen = Newest; microseconds > seen;)
        {
            var before = Interlocked.CompareExchange(ref _newest, microseconds, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }
}

/// <summary>An organisation's sensors as they were at one version of its registry.</summary>
internal sealed class OrganizationSensors(long version)
{
    private readonly Dictionary<Guid, SensorEntry> _byId = [];
    private readonly Dictionary<string, SensorEntry> _byExternalId = new(StringComparer.Ordinal);

    public long Version => version;

    /// <summary>By id first: an external id that looks like another sensor's id does not stand in its way.</summary>
    public SensorEntry? Find(string name) =>
        (Guid.TryParseExact(name, "D", out var id) ? _byId.GetValueOrDefault(id) : null) ?? _byExternalId.GetValueOrDefault(name);

    public void Add(SensorEntry sensor, string? externalId, OrganizationSensors? before)
    {
        _byId[sensor.Id] = sensor;
        if (externalId is not null)
        {
            _byExternalId[externalId] = sensor;
        }

        if (before?._byId.GetValueOrDefault(sensor.Id) is { } known)
        {
            sensor.Stored(known.Newest);
        }
    }
}

/// <summary>
/// The sensors of every organisation that has sent readings lately. A copy may be old, and says which version it is of:
/// ingest compares it with the database's inside the transaction that stores, under a lock that changes of sensors
/// respect. So no message between replicas is needed, and none can be lost.
/// </summary>
internal sealed class SensorRegistry(TenantDatabase database, IOptions<QuarantineOptions> quarantine) : IDisposable
{
    private static readonly TimeSpan KeepUnused = TimeSpan.FromMinutes(30);
    private readonly MemoryCache _organizations = new(new MemoryCacheOptions());

    public ValueTask<OrganizationSensors> GetAsync(Guid organizationId, CancellationToken cancellationToken) =>
        _organizations.TryGetValue(organizationId, out OrganizationSensors? sensors) && sensors is not null
            ? ValueTask.FromResult(sensors)
            : new(ReloadAsync(organizationId, null, cancellationToken));

    /// <summary>Reads the organisation's sensors anew, after a version turned out to be old.</summary>
    public async Task<OrganizationSensors> ReloadAsync(Guid organizationId, OrganizationSensors? before, CancellationToken cancellationToken)
    {
        // One statement, one snapshot: the version and the sensors belong together.
        var select = new NpgsqlBatchCommand("""
            SELECT coalesce(r.version, 0), s.key, s.id, s.building_id, s.external_id, s.min_value, s.max_value,
                s.quantity, s.unit, s.kind, s.interval_seconds, s.rated_power_kw,
                s.id IN (SELECT w.sensor_id FROM alert_watches($1) w)
            FROM (SELECT $1::uuid AS organization_id) o
            LEFT JOIN sensor_registries r USING (organization_id)
            LEFT JOIN sensors s USING (organization_id)
            """)
        {
            Parameters = { new NpgsqlParameter<Guid> { TypedValue = organizationId } },
        };
        await using var batch = database.Requests.CreateBatch(organizationId, select);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        OrganizationSensors? sensors = null;
        while (await reader.ReadAsync(cancellationToken))
        {
            sensors ??= new OrganizationSensors(reader.GetInt64(0));
            if (!reader.IsDBNull(1))
            {
                var sensor = new SensorEntry(
                    reader.GetInt32(1), reader.GetGuid(2), reader.GetGuid(3),
                    reader.IsDBNull(5) ? double.NegativeInfinity : reader.GetDouble(5),
                    reader.IsDBNull(6) ? double.PositiveInfinity : reader.GetDouble(6))
                {
                    Quantity = QuantityTable.All[reader.GetString(7)],
                    Unit = reader.GetString(8),
                    IsWatched = reader.GetBoolean(12),
                    Plausible = reader.IsDBNull(11)
                        ? null
                        : PlausibleSteps.Of(reader.GetString(7), reader.GetString(8), reader.GetString(9), reader.GetInt32(10), reader.GetDouble(11), quarantine.Value),
                };
                sensors.Add(sensor, reader.IsDBNull(4) ? null : reader.GetString(4), before);
            }
        }

        return _organizations.Set(organizationId, sensors!, new MemoryCacheEntryOptions { SlidingExpiration = KeepUnused });
    }

    public void Dispose() => _organizations.Dispose();
}
