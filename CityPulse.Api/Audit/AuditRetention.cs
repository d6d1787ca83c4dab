using CityPulse.Api.Data;
using Microsoft.Extensions.Options;
using Npgsql;

namespace CityPulse.Api.Audit;

/// <summary>Deletes entries beyond <c>Audit:Retention</c>. Harmless on several replicas at once.</summary>
internal sealed partial class AuditRetention(
    NpgsqlDataSource source, DatabaseReady ready, IOptions<AuditOptions> options, TimeProvider time, ILogger<AuditRetention> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ready.WaitAsync(stoppingToken);
        using var hourly = new PeriodicTimer(TimeSpan.FromHours(1), time);
        do
        {
            try
            {
                // By both clocks: the database has the last word on what is old enough.
                await using var delete = source.CreateCommand("delete from audit_log where at < $1 and at < now() - interval '90 days'");
                delete.Parameters.AddWithValue(time.GetUtcNow() - options.Value.Retention);
                await delete.ExecuteNonQueryAsync(stoppingToken);
            }
            catch (NpgsqlException e)
            {
                LogFailed(e);
            }
        }
        while (await hourly.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(LogLevel.Warning, "Old audit entries could not be deleted; next attempt in an hour")]
    private partial void LogFailed(Exception exception);
}
