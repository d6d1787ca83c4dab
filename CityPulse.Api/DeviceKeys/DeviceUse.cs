using CityPulse.Api.Data;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.DeviceKeys;

/// <summary>Writes down when devices were last seen: one statement for all of them, and of each device once a minute at most.</summary>
internal sealed partial class DeviceUse(NpgsqlDataSource source, KnownDevices devices, DatabaseReady ready, TimeProvider time, ILogger<DeviceUse> logger)
    : BackgroundService
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenWrites = TimeSpan.FromMinutes(1);
    private readonly Dictionary<Guid, DateTimeOffset> _written = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ready.WaitAsync(stoppingToken);
        while (true)
        {
            await Task.Delay(Tick, time, stoppingToken);
            await WriteAsync(all: false, stoppingToken);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await WriteAsync(all: true, cancellationToken);
    }

    private async Task WriteAsync(bool all, CancellationToken cancellationToken)
    {
        var due = devices.Used
            .Where(used => all || !_written.TryGetValue(used.Key, out var before) || used.Value - before >= BetweenWrites)
            .ToArray();
        if (due.Length == 0)
        {
            return;
        }

        try
        {
            await using var update = source.CreateCommand("""
                update device_keys k set last_used_at = u.at
                from unnest($1, $2) as u (id, at)
                where k.id = u.id and (k.last_used_at is null or k.last_used_at < u.at)
                """);
            update.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = Array.ConvertAll(due, used => used.Key), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
            update.Parameters.Add(new NpgsqlParameter<DateTimeOffset[]>
            {
                TypedValue = Array.ConvertAll(due, used => used.Value), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
            });
            await update.ExecuteNonQueryAsync(cancellationToken);
            foreach (var used in due)
            {
                _written[used.Key] = used.Value;
                devices.Used.TryRemove(used);
            }
        }
        catch (NpgsqlException e)
        {
            LogLater(e);
        }
    }

    [LoggerMessage(LogLevel.Warning, "It could not be written when devices were last seen; the next round tries again")]
    private partial void LogLater(Exception exception);
}
