namespace CityPulse.ServiceDefaults.Health;

/// <summary>Names and tags of health checks.</summary>
public static class HealthNames
{
    /// <summary>Tag of a check that readiness waits for, beside the database's own.</summary>
    public const string Ready = "ready";

    /// <summary>Name under which EnrichNpgsqlDbContext registers its check: the context's type.</summary>
    internal const string DatabaseCheck = "CityDb";
    internal const string RedisCheck = "StackExchange.Redis";
    internal const string Path = "/health";
    internal const string Memory = "memory";
    internal const string ResponseTime = "responseTime";

    /// <summary>What a check is called in the answer.</summary>
    internal static string Shown(string check) => check switch
    {
        DatabaseCheck => "database",
        RedisCheck => "redis",
        _ => check,
    };
}
