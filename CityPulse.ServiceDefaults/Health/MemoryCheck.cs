using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CityPulse.ServiceDefaults.Health;

/// <summary>Unhealthy at 90 % of what the process may take: its container's limit, or the collector's where that is nearer.</summary>
internal sealed class MemoryCheck : IHealthCheck
{
    private const double UnhealthyAt = 0.9;

    private static readonly long ContainerLimit = CgroupLimit();

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var gc = GC.GetGCMemoryInfo();
        return Task.FromResult(Judge(
            Environment.WorkingSet, ContainerLimit > 0 ? ContainerLimit : gc.TotalAvailableMemoryBytes,
            GC.GetTotalMemory(forceFullCollection: false), gc.TotalAvailableMemoryBytes));
    }

    internal static HealthCheckResult Judge(long usedBytes, long limitBytes, long heapBytes, long heapLimitBytes)
    {
        var used = limitBytes > 0 ? (double)usedBytes / limitBytes : 0;
        var heap = heapLimitBytes > 0 ? (double)heapBytes / heapLimitBytes : 0;
        var worst = Math.Max(used, heap);
        var data = new Dictionary<string, object>
        {
            ["usedBytes"] = usedBytes,
            ["limitBytes"] = limitBytes,
            ["heapBytes"] = heapBytes,
            ["heapLimitBytes"] = heapLimitBytes,
            ["percent"] = Math.Round(worst * 100, 1),
        };
        var description = $"{Math.Round(worst * 100)} % of the memory that the process may take is in use.";
        return worst >= UnhealthyAt
            ? HealthCheckResult.Unhealthy(description, data: data)
            : HealthCheckResult.Healthy(description, data);
    }

    private static long CgroupLimit()
    {
        foreach (var file in (string[])["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"])
        {
            // "max" means no limit in version 2, a number beyond any machine in version 1.
            if (File.Exists(file) && long.TryParse(File.ReadAllText(file).Trim(), out var limit) && limit < 1L << 50)
            {
                return limit;
            }
        }

        return 0;
    }
}
