using Aspire.StackExchange.Redis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using OpenTelemetry.Trace;
using StackExchange.Redis;

namespace Microsoft.Extensions.Hosting;

/// <summary>What Aspire.StackExchange.Redis offers and we use, where that package cannot be had.</summary>
public static class RedisStandIn
{
    private const string Section = "Aspire:StackExchange:Redis";

    /// <summary>
    /// One <see cref="IConnectionMultiplexer"/> for the process, with a health check, tracing and metrics. A server that is away at the
    /// start or later is waited for in the background.
    /// </summary>
    public static void AddRedisClient(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<StackExchangeRedisSettings>? configureSettings = null,
        Action<ConfigurationOptions>? configureOptions = null)
    {
        var settings = new StackExchangeRedisSettings();
        builder.Configuration.GetSection(Section).Bind(settings);
        settings.ConnectionString = builder.Configuration.GetConnectionString(connectionName) ?? settings.ConnectionString;
        configureSettings?.Invoke(settings);

        builder.Services.AddSingleton<IConnectionMultiplexer>(services => Connect(services, settings, connectionName, configureOptions));
        builder.Services.AddSingleton<RedisMetrics>();
        if (!settings.DisableHealthChecks)
        {
            builder.Services.AddHealthChecks().AddCheck<RedisCheck>("StackExchange.Redis");
        }

        if (!settings.DisableTracing)
        {
            builder.Services.AddSingleton<RedisTracing>();
            builder.Services.AddHostedService(services => services.GetRequiredService<RedisTracing>());
            builder.Services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddSource(RedisTracing.SourceName));
        }
    }

    private static ConnectionMultiplexer Connect(
        IServiceProvider services, StackExchangeRedisSettings settings, string connectionName, Action<ConfigurationOptions>? configureOptions)
    {
        if (string.IsNullOrWhiteSpace(settings.ConnectionString))
        {
            throw new InvalidOperationException($"ConnectionStrings:{connectionName} must name the Redis server, such as localhost:6379.");
        }

        var options = ConfigurationOptions.Parse(settings.ConnectionString);
        options.AbortOnConnectFail = false;
        configureOptions?.Invoke(options);
        var redis = ConnectionMultiplexer.Connect(options);
        services.GetService<RedisTracing>()?.Watch(redis);
        services.GetRequiredService<RedisMetrics>().Watch(redis);
        return redis;
    }

    private sealed class RedisCheck(IServiceProvider services) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            // Resolved here and not injected: opening the connection may fail, and that is what the check is for.
            var redis = services.GetRequiredService<IConnectionMultiplexer>();
            if (!redis.IsConnected)
            {
                return new HealthCheckResult(context.Registration.FailureStatus, "Redis does not answer.");
            }

            var latency = await redis.GetDatabase().PingAsync().WaitAsync(cancellationToken);
            return HealthCheckResult.Healthy("Redis answers.", new Dictionary<string, object> { ["pingMs"] = latency.TotalMilliseconds });
        }
    }
}
