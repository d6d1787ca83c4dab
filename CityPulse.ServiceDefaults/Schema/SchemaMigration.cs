using System.Net.Sockets;
using CityPulse.ServiceDefaults.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace CityPulse.ServiceDefaults.Schema;

/// <summary>Who brings a service's schema up to date; section <c>Migrations</c>.</summary>
public sealed class MigrationOptions
{
    public const string AtStartKey = "Migrations:AtStart";

    /// <summary>Whether the service does so itself when it starts. Where it does not, it waits until somebody has (<c>--migrate</c>).</summary>
    public bool AtStart { get; set; } = true;
}

/// <summary>
/// Brings a service's schema up to date at its start, or waits for it. A database that is not there yet is waited for; a wrong configuration
/// stops the service.
/// </summary>
public abstract partial class SchemaMigration(IOptions<MigrationOptions> options, TimeProvider time, ILogger logger) : BackgroundService
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10);

    /// <summary>One attempt. What stands already is left alone.</summary>
    public abstract Task MigrateAsync(CancellationToken cancellationToken);

    /// <summary>Whether the schema lacks something that this build of the service has.</summary>
    protected abstract Task<bool> IsBehindAsync(CancellationToken cancellationToken);

    protected abstract void Complete();

    /// <summary>Told to whoever asks why the service is not ready.</summary>
    protected virtual void Report(string problem)
    {
    }

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var delay = TimeSpan.FromMilliseconds(250); ; delay = delay * 2 > LongestDelay ? LongestDelay : delay * 2)
        {
            try
            {
                if (options.Value.AtStart || !await IsBehindAsync(stoppingToken))
                {
                    await MigrateAsync(stoppingToken);
                    Complete();
                    return;
                }

                Report("The schema is older than this build; it waits for the migration (--migrate).");
                LogBehind(logger, delay.TotalMilliseconds);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested && IsDatabaseTrouble(e))
            {
                Report("The database could not be reached or migrated yet; trying again.");
                LogRetry(logger, delay.TotalMilliseconds, e);
            }

            await Task.Delay(delay, time, stoppingToken);
        }
    }

    private static bool IsDatabaseTrouble(Exception e) =>
        e.GetBaseException() is NpgsqlException or SocketException or TimeoutException or IOException;

    [LoggerMessage(LogLevel.Warning, "The schema is older than this build, and migrations at start are switched off; the next look is in {DelayMs} ms")]
    private static partial void LogBehind(ILogger logger, double delayMs);

    [LoggerMessage(LogLevel.Warning, "The database is not ready; next attempt in {DelayMs} ms")]
    private static partial void LogRetry(ILogger logger, double delayMs, Exception exception);
}

/// <summary>Registers a service's schema.</summary>
public static class SchemaExtensions
{
    public static void AddSchema<TMigration>(this IServiceCollection services)
        where TMigration : SchemaMigration
    {
        services.AddOptions<MigrationOptions>()
            .Configure<IConfiguration>((options, configuration) => options.AtStart = configuration.GetSwitch(MigrationOptions.AtStartKey) ?? options.AtStart)
            .ValidateOnStart();
        services.AddSingleton<TMigration>();
        services.AddSingleton<SchemaMigration>(provider => provider.GetRequiredService<TMigration>());
        services.AddHostedService(provider => provider.GetRequiredService<TMigration>());
    }
}
