namespace CityPulse.AiGateway.Swarm.Domain;

/// <summary>Where a run stands. The last three are ends.</summary>
internal enum RunStatus
{
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
}

/// <summary>What can happen to a run.</summary>
internal enum RunTrigger
{
    /// <summary>A replica takes it, also one that another replica left lying.</summary>
    Claim,
    Complete,
    Fail,
    Cancel,
}

/// <summary>The life of a run, as one table. The statements that change a run are made from it, so no other way exists.</summary>
internal static class RunLifecycle
{
    private static readonly Dictionary<(RunStatus From, RunTrigger Trigger), RunStatus> Table = new()
    {
        [(RunStatus.Queued, RunTrigger.Claim)] = RunStatus.Running,
        [(RunStatus.Queued, RunTrigger.Cancel)] = RunStatus.Cancelled,
        [(RunStatus.Running, RunTrigger.Claim)] = RunStatus.Running,
        [(RunStatus.Running, RunTrigger.Complete)] = RunStatus.Completed,
        [(RunStatus.Running, RunTrigger.Fail)] = RunStatus.Failed,
        [(RunStatus.Running, RunTrigger.Cancel)] = RunStatus.Cancelled,
    };

    /// <summary>Where the trigger leads to, or null where it is impossible.</summary>
    public static RunStatus? After(RunStatus status, RunTrigger trigger) => Table.TryGetValue((status, trigger), out var next) ? next : null;

    /// <summary>Where the trigger is possible.</summary>
    public static IEnumerable<RunStatus> From(RunTrigger trigger) => Table.Keys.Where(k => k.Trigger == trigger).Select(k => k.From);

    public static bool IsEnd(RunStatus status) => !Table.Keys.Any(k => k.From == status);

    /// <summary>As it stands in the database and in JSON.</summary>
    public static string Name(RunStatus status) => status switch
    {
        RunStatus.Queued => "queued",
        RunStatus.Running => "running",
        RunStatus.Completed => "completed",
        RunStatus.Failed => "failed",
        RunStatus.Cancelled => "cancelled",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, null),
    };

    public static RunStatus Parse(string name) => Array.Find(Enum.GetValues<RunStatus>(), s => Name(s) == name);
}
