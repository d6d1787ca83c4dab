using CityPulse.Api.Data;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>
/// Delivers what is due. Every replica does; leases in the database share the work out, and what a replica that dies was at is taken up by
/// another when its lease has ended, under the same id.
/// </summary>
internal sealed partial class DeliveryWorker(
    DeliveryClaims claims, IServiceScopeFactory scopes, DatabaseReady ready, DeliverySignal signal, IOptions<ChannelOptions> options, TimeProvider time,
    ILogger<DeliveryWorker> logger)
    : BackgroundService
{
    private const int MostAtOnce = 64;
    private const int MostOfOneChannel = 4;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ForgetInterval = TimeSpan.FromHours(1);

    private readonly Dictionary<Guid, (Guid Channel, Task Run)> _running = [];
    private DateTimeOffset _forgotAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ready.WaitAsync(stoppingToken);
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                var started = 0;
                try
                {
                    started = await StartDueAsync(stoppingToken);
                    await ForgetAsync(stoppingToken);
                }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
                {
                    // Whatever it is, what is due is still there; it must not take the service down.
                    LogTrouble(e);
                }

                if (started == 0)
                {
                    await signal.WaitAsync(PollInterval, stoppingToken);
                }
            }
        }
        finally
        {
            await Task.WhenAll(_running.Values.Select(r => r.Run));
        }
    }

    /// <returns>How many were begun.</returns>
    private async Task<int> StartDueAsync(CancellationToken cancellationToken)
    {
        foreach (var id in _running.Where(r => r.Value.Run.IsCompleted).Select(r => r.Key).ToList())
        {
            _running.Remove(id);
        }

        if (_running.Count >= MostAtOnce)
        {
            return 0;
        }

        var now = time.GetUtcNow();
        var lease = Guid.CreateVersion7(now);
        var busy = _running.Values.GroupBy(r => r.Channel).Where(g => g.Count() >= MostOfOneChannel).Select(g => g.Key).ToArray();
        var taken = await claims.TakeAsync(lease, now, now + options.Value.Lease, busy, MostOfOneChannel, MostAtOnce - _running.Count, cancellationToken);
        foreach (var claim in taken)
        {
            _running[claim.Id] = (claim.ChannelId, RunAsync(claim, lease, cancellationToken));
        }

        return taken.Count;
    }

    private async Task RunAsync(DeliveryClaims.Claim claim, Guid lease, CancellationToken cancellationToken)
    {
        try
        {
            await using var scope = scopes.CreateTenantScope(claim.OrganizationId);
            await scope.ServiceProvider.GetRequiredService<DeliveryRun>().RunAsync(claim.Id, lease, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Whether it arrived is not known: another worker sends it again.
            LogInterrupted(claim.Id);
        }
        catch (Exception e)
        {
            // The lease ends by itself, and it is tried again.
            LogFailed(claim.Id, e);
        }

        signal.Ring();
    }

    private async Task ForgetAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (now - _forgotAt >= ForgetInterval)
        {
            await claims.ForgetAsync(now.AddDays(-options.Value.KeepDays), cancellationToken);
            _forgotAt = now;
        }
    }

    [LoggerMessage(LogLevel.Error, "Nothing can be delivered to channels; deliveries wait")]
    private partial void LogTrouble(Exception exception);

    [LoggerMessage(LogLevel.Error, "Delivery {Delivery} could not be attempted; it will be tried again")]
    private partial void LogFailed(Guid delivery, Exception exception);

    [LoggerMessage(LogLevel.Information, "Delivery {Delivery} was interrupted; it will be sent again")]
    private partial void LogInterrupted(Guid delivery);
}
