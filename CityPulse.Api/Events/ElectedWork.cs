using CityPulse.Api.Data;
using Npgsql;

namespace CityPulse.Api.Events;

/// <summary>
/// Background work that one replica does at a time, elected by an advisory lock on the connection that it works on: with
/// the connection goes the office, and another replica takes over.
/// </summary>
internal abstract partial class ElectedWork(NpgsqlDataSource source, DatabaseReady ready, TimeProvider time, ILogger logger, long office, string name)
    : BackgroundService
{
    private static readonly TimeSpan ElectionInterval = TimeSpan.FromSeconds(1);

    /// <summary>Works until stopped or the connection is lost. What is written on the connection is written in office.</summary>
    protected abstract Task WorkAsync(NpgsqlConnection connection, CancellationToken cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ready.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(stoppingToken);
                await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock($1)", connection)
                {
                    Parameters = { new NpgsqlParameter<long> { TypedValue = office } },
                };
                if ((bool)(await command.ExecuteScalarAsync(stoppingToken))!)
                {
                    LogElected(name);
                    await WorkAsync(connection, stoppingToken);
                }
            }
            // Whatever it is: work that ends must not end the service, and another term may go better.
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogLost(name, e);
            }

            await Task.Delay(ElectionInterval, time, stoppingToken);
        }
    }

    /// <summary>Fails when the connection, and with it the office, is lost.</summary>
    protected static async Task AssureOfficeAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT 1", connection);
        await command.ExecuteScalarAsync(cancellationToken);
    }

    [LoggerMessage(LogLevel.Information, "This replica does {Work} now")]
    private partial void LogElected(string work);

    [LoggerMessage(LogLevel.Warning, "This replica does {Work} no more for the moment")]
    private partial void LogLost(string work, Exception exception);
}
