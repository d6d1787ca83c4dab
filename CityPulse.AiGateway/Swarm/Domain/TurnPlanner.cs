namespace CityPulse.AiGateway.Swarm.Domain;

/// <summary>How the agents of a run work together.</summary>
public enum SwarmPattern
{
    /// <summary>One after the other, each knowing what was said before.</summary>
    Sequential,
    /// <summary>All at once, each alone with the goal.</summary>
    Concurrent,
    /// <summary>The first one begins; whoever speaks may hand over to another.</summary>
    Handoff,
    /// <summary>In turns, until one of them concludes or the turns are used up.</summary>
    GroupChat,
}

/// <summary>Why a run ended.</summary>
internal enum StopReason
{
    Done,
    MaxTurns,
    MaxCost,
    MaxTime,
    Loop,
    LoginExpired,
    Interrupted,
    ModelFailed,
    Fault,
    Cancelled,
}

/// <summary>One agent of a run.</summary>
/// <param name="Model">Null for the default one.</param>
/// <param name="Tools">Names of the tools that it may use; null for all.</param>
internal sealed record AgentSpec(string Name, string Instructions, string? Model = null, IReadOnlyList<string>? Tools = null);

/// <summary>What planning needs to know of a step that is stored.</summary>
/// <param name="Agent">Its number in the run's list.</param>
internal readonly record struct StepFact(int Index, int Agent, string Content, string? HandOffTo = null, bool Concludes = false, decimal CostUsd = 0);

/// <summary>What was asked for.</summary>
internal sealed record RunPlan(SwarmPattern Pattern, IReadOnlyList<AgentSpec> Agents, int MaxTurns, decimal? MaxCostUsd = null);

/// <summary>A step that is due.</summary>
internal readonly record struct Turn(int Index, int Agent);

/// <summary>What comes next: steps, or the end.</summary>
internal abstract record Move
{
    /// <summary>Steps that are due now and do not depend on one another.</summary>
    internal sealed record Speak(IReadOnlyList<Turn> Turns) : Move;

    internal sealed record End(RunStatus Status, StopReason Reason, string? Error = null) : Move;
}

/// <summary>
/// Decides from the stored steps alone what comes next. So a run goes on after a crash where it was, on whichever replica: nothing else
/// has to be remembered.
/// </summary>
internal static class TurnPlanner
{
    /// <summary>Steps, when a run says nothing about it. A group that never concludes has two rounds.</summary>
    public static int DefaultTurns(SwarmPattern pattern, int agents) => pattern switch
    {
        SwarmPattern.GroupChat or SwarmPattern.Handoff => 2 * agents,
        _ => agents,
    };

    public static Move Next(RunPlan plan, IReadOnlyList<StepFact> steps)
    {
        var due = Due(plan, steps);
        if (due.Count == 0)
        {
            return new Move.End(RunStatus.Completed, StopReason.Done);
        }

        // Turns that are used up are an end that was asked for, so what there is counts as the result.
        var allowed = due.Where(t => t.Index < plan.MaxTurns).ToList();
        if (allowed.Count == 0)
        {
            return new Move.End(RunStatus.Completed, StopReason.MaxTurns);
        }

        var spent = steps.Sum(s => s.CostUsd);
        return plan.MaxCostUsd is { } most && spent > 0 && spent >= most
            ? new Move.End(RunStatus.Failed, StopReason.MaxCost, FormattableString.Invariant($"The run has cost {spent} USD; it may cost {most} USD."))
            : new Move.Speak(allowed);
    }

    /// <summary>What the run gives in the end, from what its agents said.</summary>
    public static string? Result(RunPlan plan, IReadOnlyList<StepFact> steps) => plan.Pattern switch
    {
        _ when steps.Count == 0 => null,
        SwarmPattern.Concurrent => string.Join("\n\n", steps.OrderBy(s => s.Index).Select(s => $"## {plan.Agents[s.Agent].Name}\n\n{s.Content}")),
        _ => steps.MaxBy(s => s.Index).Content,
    };

    private static List<Turn> Due(RunPlan plan, IReadOnlyList<StepFact> steps)
    {
        var next = steps.Count;
        switch (plan.Pattern)
        {
            case SwarmPattern.Sequential:
                return next < plan.Agents.Count ? [new Turn(next, next)] : [];
            case SwarmPattern.Concurrent:
                return [.. Enumerable.Range(0, plan.Agents.Count).Except(steps.Select(s => s.Index)).Select(i => new Turn(i, i))];
            case SwarmPattern.GroupChat:
                return next > 0 && steps.MaxBy(s => s.Index).Concludes ? [] : [new Turn(next, next % plan.Agents.Count)];
            case SwarmPattern.Handoff:
                if (next == 0)
                {
                    return [new Turn(0, 0)];
                }

                var heir = steps.MaxBy(s => s.Index).HandOffTo is { } name ? NumberOf(plan.Agents, name) : -1;
                return heir < 0 ? [] : [new Turn(next, heir)];
            default:
                throw new ArgumentOutOfRangeException(nameof(plan), plan.Pattern, null);
        }
    }

    /// <summary>Names are told apart without regard to case; -1 for nobody.</summary>
    public static int NumberOf(IReadOnlyList<AgentSpec> agents, string name)
    {
        for (var i = 0; i < agents.Count; i++)
        {
            if (string.Equals(agents[i].Name, name.Trim(), StringComparison.OrdinalIgnoreCase))
            {
                return i;
            }
        }

        return -1;
    }
}
