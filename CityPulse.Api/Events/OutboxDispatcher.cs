using CityPulse.Api.Data;
using Microsoft.Extensions.Options;
using Npgsql;
using StackExchange.Redis;

namespace CityPulse.Api.Events;

/// <summary>
/// Gives committed records their places in the one order and tells them to Redis. One replica does, elected by an advisory
/// lock on the connection that it works on: with the connection goes the office. Places go on being given while Redis is
/// away; what could not be told then is told in order when it is back. A record may be told twice (after a takeover), so
/// receivers drop places that they have had; each record names the place before it, so they notice what they missed.
/// </summary>
internal sealed partial class OutboxDispatcher(
    NpgsqlDataSource source, IConnectionMultiplexer redis, DatabaseReady ready, OutboxSignal signal,
    IOptions<OutboxOptions> options, TimeProvider time, ILogger<OutboxDispatcher> logger)
    : BackgroundService
{
    private static readonly TimeSpan ElectionInterval = TimeSpan.FromMilliseconds(500);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ready.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(stoppingToken);
                if (await TryTakeOfficeAsync(connection, stoppingToken))
                {
                    LogElected();
                    await new OutboxTerm(connection, redis, signal, options.Value, time, logger).RunAsync(stoppingToken);
                }
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException && !stoppingToken.IsCancellationRequested)
            {
                LogLost(e);
            }

            await Task.Delay(ElectionInterval, stoppingToken);
        }
    }

    private static async Task<bool> TryTakeOfficeAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock($1)", connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = AdvisoryLockKeys.Dispatcher } },
        };
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    [LoggerMessage(LogLevel.Information, "This replica dispatches the outbox now")]
    private partial void LogElected();

    [LoggerMessage(LogLevel.Warning, "The outbox is dispatched no more by this replica, its connection is lost")]
    private partial void LogLost(Exception exception);
}
