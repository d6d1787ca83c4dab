using CityPulse.Api.Data;
using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Events;
using CityPulse.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Energy.Live;

/// <summary>
/// Tells <c>energy.updated</c> of the buildings whose meters got readings, each at most once in five seconds. One replica
/// does: it reads in the outbox which sensors had readings stored, works the figures out from what is stored, and puts
/// the event into the outbox like any other.
/// </summary>
internal sealed partial class EnergyTeller(
    NpgsqlDataSource source, DatabaseReady ready, IServiceScopeFactory scopes, Outbox outbox, OutboxSignal signal, TimeProvider time,
    ILogger<EnergyTeller> logger)
    : ElectedWork(source, ready, time, logger, AdvisoryLockKeys.Energy, "the telling of energy")
{
    private const int PageSize = 200;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time = time;

    protected override async Task WorkAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var pace = new TellingPace(TellEvery);
        // A little back, for what came while nobody was in office.
        var through = Math.Max(0, (await OutboxLog.ReadHeadAsync(connection, cancellationToken)).LastPosition - PageSize);
        using var ticks = new PeriodicTimer(LookEvery, _time);
        do
        {
            through = await ReadAsync(connection, pace, through, cancellationToken);
            foreach (var (organization, building) in pace.Due(_time.GetUtcNow()))
            {
                var started = _time.GetTimestamp();
                await using var scope = scopes.CreateTenantScope(organization);
                if (await scope.ServiceProvider.GetRequiredService<EnergyNow>().FindAsync(building, cancellationToken) is { } update)
                {
                    await outbox.AppendAsync(connection, organization, "energy.updated", [Topics.Energy], update, cancellationToken);
                    signal.Ring();
                }

                pace.Told(building, _time.GetUtcNow(), _time.GetElapsedTime(started));
            }
        }
        while (await ticks.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>Notes whose meters had readings stored since; returns how far it looked.</summary>
    private async Task<long> ReadAsync(NpgsqlConnection connection, TellingPace pace, long through, CancellationToken cancellationToken)
    {
        var sensors = new HashSet<Guid>();
        for (var read = PageSize; read == PageSize;)
        {
            read = 0;
            await foreach (var record in OutboxLog.ReadAsync(connection, through, PageSize, null, cancellationToken))
            {
                read++;
                through = record.Position;
                if (record.Type == StreamRecord.ReadingsType)
                {
                    sensors.UnionWith(SensorsOf(record));
                }
            }
        }

        if (sensors.Count > 0)
        {
            await TouchAsync(connection, pace, sensors, cancellationToken);
        }

        return through;
    }

    private IEnumerable<Guid> SensorsOf(StreamRecord record)
    {
        try
        {
            return ReadingBatch.Read(record.Data.Span).Select(block => block.SensorId);
        }
        catch (InvalidDataException e)
        {
            LogBroken(record.Position, e);
            return [];
        }
    }

    [LoggerMessage(LogLevel.Error, "Record {Position} of the outbox is broken; its energy is not told")]
    private partial void LogBroken(long position, Exception exception);

    private static async Task TouchAsync(NpgsqlConnection connection, TellingPace pace, HashSet<Guid> sensors, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT DISTINCT organization_id, building_id FROM sensors WHERE id = ANY ($1) AND quantity = ANY ($2) AND NOT submeter", connection)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid[]> { TypedValue = [.. sensors] },
                new NpgsqlParameter<string[]> { TypedValue = [.. EnergyUnits.Quantities(null)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            pace.Touch(reader.GetGuid(0), reader.GetGuid(1));
        }
    }
}
