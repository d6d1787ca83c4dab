using CityPulse.Api.Data;
using Npgsql;

namespace CityPulse.Api.Auth;

/// <summary>Removes what can no longer be used or tell anything. Harmless on several replicas at once.</summary>
internal sealed partial class TokenCleanup(NpgsqlDataSource source, DatabaseReady ready, TimeProvider time, ILogger<TokenCleanup> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ready.WaitAsync(stoppingToken);
        using var hourly = new PeriodicTimer(TimeSpan.FromHours(1), time);
        do
        {
            try
            {
                await CleanAsync(stoppingToken);
            }
            catch (NpgsqlException e)
            {
                LogFailed(e);
            }
        }
        while (await hourly.WaitForNextTickAsync(stoppingToken));
    }

    private async Task CleanAsync(CancellationToken cancellationToken)
    {
        // Tokens go with their family; within a living one, those that have expired have no more to tell.
        await using var batch = source.CreateBatch();
        var now = time.GetUtcNow();
        batch.BatchCommands.Add(new("delete from token_families where expires_at < $1 or revoked_at < $2")
        {
            Parameters = { new() { Value = now }, new() { Value = now - TimeSpan.FromDays(30) } },
        });
        batch.BatchCommands.Add(new("delete from refresh_tokens where expires_at < $1") { Parameters = { new() { Value = now } } });
        // No access token lives for two hours; the database's clock wrote these times.
        batch.BatchCommands.Add(new("delete from revocations where noted_at < now() - interval '2 hours'"));
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    [LoggerMessage(LogLevel.Warning, "Ended sessions could not be removed; next attempt in an hour")]
    private partial void LogFailed(Exception exception);
}
