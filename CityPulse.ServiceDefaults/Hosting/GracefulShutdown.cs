using CityPulse.ServiceDefaults.Health;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>How a service leaves; section <c>Shutdown</c>.</summary>
public sealed class ShutdownOptions
{
    public const string Section = "Shutdown";

    /// <summary>How long to go on serving while not ready, so that load balancers stop sending before the door closes.</summary>
    public double DrainSeconds { get; set; } = 5;

    /// <summary>How long all of the leaving may take, the draining included.</summary>
    public double TimeoutSeconds { get; set; } = 30;
}

internal sealed class ShutdownOptionsValidator : IValidateOptions<ShutdownOptions>
{
    public ValidateOptionsResult Validate(string? name, ShutdownOptions options) =>
        options.DrainSeconds is not (>= 0 and <= 300) ? ValidateOptionsResult.Fail("Shutdown:DrainSeconds must lie between 0 and 300.")
        : options.TimeoutSeconds is not (> 0 and <= 600) ? ValidateOptionsResult.Fail("Shutdown:TimeoutSeconds must lie between 0 and 600.")
        : options.DrainSeconds >= options.TimeoutSeconds ? ValidateOptionsResult.Fail("Shutdown:DrainSeconds must be less than Shutdown:TimeoutSeconds.")
        : ValidateOptionsResult.Success;
}

/// <summary>Between "not ready any more" and "listening no more" lies the drain.</summary>
internal sealed partial class Drain(
    IOptions<ShutdownOptions> options, ShutdownState state, TimeProvider time, ILogger<Drain> logger) : IHostedLifecycleService
{
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        state.Begin();
        var drain = TimeSpan.FromSeconds(options.Value.DrainSeconds);
        if (drain > TimeSpan.Zero)
        {
            LogDraining(logger, options.Value.DrainSeconds);
            await Task.Delay(drain, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Information, "Shutting down: not ready any more, serving for {Seconds} more seconds.")]
    private static partial void LogDraining(ILogger logger, double seconds);
}

internal static class GracefulShutdownExtensions
{
    public static void AddGracefulShutdown(this WebApplicationBuilder builder)
    {
        var development = builder.Environment.IsDevelopment();
        builder.Services.AddOptions<ShutdownOptions>()
            // No load balancer stands before a developer.
            .Configure(options => options.DrainSeconds = development ? 0 : options.DrainSeconds)
            .Bind(builder.Configuration.GetSection(ShutdownOptions.Section))
            .ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<ShutdownOptions>, ShutdownOptionsValidator>();
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<ShutdownOptions>>((host, shutdown) =>
            host.ShutdownTimeout = TimeSpan.FromSeconds(shutdown.Value.TimeoutSeconds));
        builder.Services.AddHostedService<Drain>();
    }
}
