using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Swarm;

/// <summary>How runs are worked on, and their limits. Section <c>Swarm</c>.</summary>
internal sealed class SwarmOptions
{
    public const string Section = "Swarm";
    public const string SecretKey = "Internal:Key";

    /// <summary>Runs that one replica works on at the same time.</summary>
    public int MaxConcurrentRuns { get; set; } = 4;

    /// <summary>Steps of one run that are taken at the same time, where the pattern has such.</summary>
    public int MaxParallelTurns { get; set; } = 4;

    /// <summary>How long a replica may be silent before another one takes its runs over.</summary>
    public double LeaseSeconds { get; set; } = 15;

    /// <summary>How often to look for runs and events of other replicas; those of the own one are known at once.</summary>
    public int PollMilliseconds { get; set; } = 500;

    /// <summary>How long a run may take from its first step on. The caller's login lasts no longer than 15 minutes.</summary>
    public int MaxRunSeconds { get; set; } = 600;

    /// <summary>How often a run may be taken up again after its replica was lost.</summary>
    public int MaxAttempts { get; set; } = 5;

    /// <summary>How often a silent event stream says that it is alive.</summary>
    public double HeartbeatSeconds { get; set; } = 15;

    /// <summary>What callers' tokens are sealed with while their run lasts: <c>Internal:Key</c>.</summary>
    internal string? Secret { get; set; }

    public TimeSpan Lease => TimeSpan.FromSeconds(LeaseSeconds);

    public TimeSpan Poll => TimeSpan.FromMilliseconds(PollMilliseconds);
}

internal sealed class SwarmOptionsValidator : IValidateOptions<SwarmOptions>
{
    public ValidateOptionsResult Validate(string? name, SwarmOptions options)
    {
        var faults = new List<string>();
        Check(options.MaxConcurrentRuns is >= 1 and <= 64, "Swarm:MaxConcurrentRuns must lie between 1 and 64.");
        Check(options.MaxParallelTurns is >= 1 and <= 16, "Swarm:MaxParallelTurns must lie between 1 and 16.");
        Check(options.LeaseSeconds is >= 1 and <= 300, "Swarm:LeaseSeconds must lie between 1 and 300.");
        Check(options.PollMilliseconds is >= 50 and <= 10_000, "Swarm:PollMilliseconds must lie between 50 and 10000.");
        Check(options.MaxRunSeconds is >= 1 and <= 3600, "Swarm:MaxRunSeconds must lie between 1 and 3600.");
        Check(options.MaxAttempts is >= 1 and <= 100, "Swarm:MaxAttempts must lie between 1 and 100.");
        Check(options.HeartbeatSeconds is >= 0.1 and <= 300, "Swarm:HeartbeatSeconds must lie between 0.1 and 300.");
        Check(!string.IsNullOrWhiteSpace(options.Secret), $"{SwarmOptions.SecretKey} is missing: callers' tokens are sealed with it while their runs last.");
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);

        void Check(bool holds, string fault)
        {
            if (!holds)
            {
                faults.Add(fault);
            }
        }
    }
}
