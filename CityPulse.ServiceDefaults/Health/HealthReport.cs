using System.Reflection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace CityPulse.ServiceDefaults.Health;

/// <summary>The answer of <c>/health</c>.</summary>
public sealed record HealthAnswer(
    string Status, string Version, string Environment, double UptimeSeconds, IReadOnlyDictionary<string, HealthCheckAnswer> Checks);

/// <summary>One check in the answer of <c>/health</c>.</summary>
public sealed record HealthCheckAnswer(
    string Status, string? Description, double DurationMs, IReadOnlyDictionary<string, object> Data);

/// <summary>The answer of <c>/health/live</c> and <c>/health/ready</c>.</summary>
public sealed record ProbeAnswer(string Status, string? Reason = null);

/// <summary>What this program is and since when it runs.</summary>
public sealed class ServiceIdentity(IHostEnvironment environment, TimeProvider time)
{
    private readonly long _startedAt = time.GetTimestamp();

    public string Environment => environment.EnvironmentName;

    /// <summary>Without the commit that the build may append.</summary>
    public string Version { get; } =
        (Assembly.GetEntryAssembly() ?? typeof(ServiceIdentity).Assembly)
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";

    public TimeSpan Uptime => time.GetElapsedTime(_startedAt);
}

/// <summary>From the framework's report to ours.</summary>
internal static class HealthReports
{
    public static HealthStatus Overall(HealthReport report)
    {
        var worst = HealthStatus.Healthy;
        foreach (var (name, entry) in report.Entries)
        {
            // Redis holds nothing that cannot be lost: without it a service is slower, not broken.
            var counts = name == HealthNames.RedisCheck && entry.Status == HealthStatus.Unhealthy ? HealthStatus.Degraded : entry.Status;
            worst = counts < worst ? counts : worst;
        }

        return worst;
    }

    public static HealthAnswer Answer(HealthReport report, ServiceIdentity identity) => new(
        Word(Overall(report)),
        identity.Version,
        identity.Environment,
        Math.Round(identity.Uptime.TotalSeconds, 3),
        report.Entries.ToDictionary(e => HealthNames.Shown(e.Key), e => Answer(e.Value)));

    private static HealthCheckAnswer Answer(HealthReportEntry entry) => new(
        Word(entry.Status),
        // An exception's message may name hosts and users; the log has it.
        entry.Exception is null ? entry.Description : entry.Exception is OperationCanceledException ? "It does not answer in time." : "It cannot be reached.",
        Math.Round(entry.Duration.TotalMilliseconds, 2),
        entry.Data);

    public static string Word(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => "healthy",
        HealthStatus.Degraded => "degraded",
        _ => "unhealthy",
    };
}
