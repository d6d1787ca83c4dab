using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.RateLimiting.Domain;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.RateLimiting;

/// <summary>How many requests are taken, section <c>RateLimiting</c>; off altogether with <c>RATE_LIMITING_ENABLED=false</c>.</summary>
public sealed class RateLimitOptions
{
    public const string Section = "RateLimiting";

    public bool Enabled { get; set; } = true;

    /// <summary>By name: <c>auth</c>, <c>ai</c>, <c>swarm</c>, <c>citypulse</c>, <c>ingest</c>.</summary>
    public Dictionary<string, TierOptions> Tiers { get; } = new(StringComparer.OrdinalIgnoreCase)
    {
        [TierTable.Auth] = new() { Permits = 5 },
        [TierTable.Ai] = new() { Permits = 100 },
        [TierTable.Swarm] = new() { Permits = 50 },
        [TierTable.CityPulse] = new() { Permits = 200 },
        [TierTable.Ingest] = new() { Permits = 6000 },
    };
}

/// <summary>One budget of everybody who is counted by himself.</summary>
public sealed class TierOptions
{
    /// <summary>Requests in a window.</summary>
    public long Permits { get; set; }

    public int WindowSeconds { get; set; } = 15 * 60;
}

internal sealed class RateLimitSetup(IConfiguration configuration) : IConfigureOptions<RateLimitOptions>
{
    public void Configure(RateLimitOptions options)
    {
        var section = configuration.GetSection(RateLimitOptions.Section);
        section.Bind(options);
        foreach (var tier in section.GetSection(nameof(RateLimitOptions.Tiers)).GetChildren())
        {
            // The short form, RateLimiting:Tiers:ai=500, changes the number alone.
            if (long.TryParse(tier.Value, out var permits) && options.Tiers.TryGetValue(tier.Key, out var known))
            {
                known.Permits = permits;
            }
        }

        options.Enabled = configuration.GetSwitch("RATE_LIMITING_ENABLED") ?? options.Enabled;
    }
}

internal sealed class RateLimitOptionsValidator(IConfiguration configuration) : IValidateOptions<RateLimitOptions>
{
    private const long MostPermits = 1_000_000_000;
    private const int LongestWindowSeconds = 24 * 60 * 60;

    public ValidateOptionsResult Validate(string? name, RateLimitOptions options)
    {
        var faults = new List<string>();
        foreach (var (tier, limit) in options.Tiers)
        {
            var key = $"{RateLimitOptions.Section}:{nameof(RateLimitOptions.Tiers)}:{tier}";
            if (!TierTable.Names.Contains(tier, StringComparer.OrdinalIgnoreCase))
            {
                faults.Add($"{key} is no tier; there are {string.Join(", ", TierTable.Names)}.");
            }
            else if (configuration[key] is { Length: > 0 } text && !long.TryParse(text, out _))
            {
                faults.Add($"{key} must be a number of requests, but is \"{text}\".");
            }
            else if (limit.Permits is < 1 or > MostPermits)
            {
                faults.Add($"{key}:Permits must lie between 1 and {MostPermits}.");
            }

            if (limit.WindowSeconds is < 1 or > LongestWindowSeconds)
            {
                faults.Add($"{key}:WindowSeconds must lie between 1 and {LongestWindowSeconds}.");
            }
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
