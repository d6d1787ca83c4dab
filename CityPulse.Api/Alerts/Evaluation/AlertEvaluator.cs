using CityPulse.Api.Data;
using CityPulse.Api.Http;
using Npgsql;

namespace CityPulse.Api.Alerts.Evaluation;

/// <summary>
/// Judges what ingest and the clock have left to be judged, building by building. Every replica does; the building's lock in the database
/// keeps two from doing the same, and a replica that dies leaves its work where it was.
/// </summary>
internal sealed partial class AlertEvaluator(
    NpgsqlDataSource source, IServiceScopeFactory scopes, DatabaseReady ready, AlertSignal signal, AlertMetrics metrics, TimeProvider time,
    ILogger<AlertEvaluator> logger)
    : BackgroundService
{
    private const int BuildingsAtOnce = 64;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(500);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ready.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            var done = 0;
            try
            {
                done = await EvaluateWaitingAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it is, the work is still there; it must not take the service down.
                LogTrouble(e);
            }

            if (done == 0)
            {
                await signal.WaitAsync(PollInterval, stoppingToken);
            }
        }
    }

    /// <returns>How many buildings were judged here.</returns>
    internal async Task<int> EvaluateWaitingAsync(CancellationToken cancellationToken)
    {
        var done = 0;
        foreach (var (organization, building) in await WaitingAsync(cancellationToken))
        {
            done += await EvaluateAsync(organization, building, cancellationToken) ? 1 : 0;
        }

        return done;
    }

    private async Task<List<(Guid Organization, Guid Building)>> WaitingAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            $"SELECT organization_id, building_id FROM alert_work GROUP BY organization_id, building_id ORDER BY min(id) LIMIT {BuildingsAtOnce}");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var waiting = new List<(Guid, Guid)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            waiting.Add((reader.GetGuid(0), reader.GetGuid(1)));
        }

        return waiting;
    }

    /// <returns>Whether it was done here and now.</returns>
    private async Task<bool> EvaluateAsync(Guid organization, Guid building, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        try
        {
            await using var scope = scopes.CreateTenantScope(organization);
            var db = scope.ServiceProvider.GetRequiredService<CityDb>();
            var evaluation = scope.ServiceProvider.GetRequiredService<BuildingEvaluation>();
            var done = await db.InTransactionAsync(token => evaluation.RunAsync(building, token), cancellationToken);
            if (done)
            {
                scope.ServiceProvider.GetRequiredService<AlertJournal>().Ring();
                metrics.Evaluated(time.GetElapsedTime(start));
            }

            return done;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // One building's trouble must not keep the others waiting; its work stays and is tried again.
            LogFailed(building, e);
            return false;
        }
    }

    [LoggerMessage(LogLevel.Error, "Nothing can be judged; alerts wait")]
    private partial void LogTrouble(Exception exception);

    [LoggerMessage(LogLevel.Error, "The readings of building {Building} could not be judged; it will be tried again")]
    private partial void LogFailed(Guid building, Exception exception);
}
