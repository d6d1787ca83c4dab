using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CityPulse.Api.Http;

/// <summary>Forgets answers that are too old to be replayed. Any replica may do it, at any time.</summary>
internal sealed partial class IdempotencyCleanup(IServiceScopeFactory scopes, TimeProvider clock, ILogger<IdempotencyCleanup> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await using var scope = scopes.CreateCrossTenantScope();
                var expired = clock.GetUtcNow() - Idempotency.Kept;
                await scope.ServiceProvider.GetRequiredService<CityDb>().Set<IdempotentAnswer>()
                    .Where(a => a.CreatedAt < expired).ExecuteDeleteAsync(stoppingToken);
            }
            catch (NpgsqlException e)
            {
                Failed(log, e);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Old idempotent answers could not be deleted; the next round tries again.")]
    private static partial void Failed(ILogger logger, Exception exception);
}
