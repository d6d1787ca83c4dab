namespace Aspire.StackExchange.Redis;

/// <summary>The settings of Aspire's package, under the same name, for builds without it.</summary>
public sealed class StackExchangeRedisSettings
{
    public string? ConnectionString { get; set; }

    public bool DisableHealthChecks { get; set; }

    public bool DisableTracing { get; set; }
}
