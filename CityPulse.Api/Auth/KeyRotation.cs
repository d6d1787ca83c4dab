using CityPulse.Api.Data;
using Npgsql;

namespace CityPulse.Api.Auth;

/// <summary>Sees to it that a new signing key is published in time. Every replica looks; one of them makes it.</summary>
internal sealed partial class KeyRotation(KeyRing keys, DatabaseReady ready, TimeProvider time, ILogger<KeyRotation> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ready.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(TimeSpan.FromMinutes(10), time);
        do
        {
            try
            {
                if (await keys.RotateAsync(stoppingToken) is { } signsFrom)
                {
                    LogNew(signsFrom);
                }
            }
            catch (NpgsqlException e)
            {
                LogLater(e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(LogLevel.Information, "A new signing key is published; it signs from {SignsFrom} on")]
    private partial void LogNew(DateTimeOffset signsFrom);

    [LoggerMessage(LogLevel.Warning, "The signing keys could not be looked after; next attempt in ten minutes")]
    private partial void LogLater(Exception exception);
}
