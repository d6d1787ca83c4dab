using System.Net.Http.Headers;
using System.Text;
using CityPulse.AiGateway.Chat;
using CityPulse.AiGateway.Swarm.Domain;
using CityPulse.AiGateway.Tools;
using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Swarm;

/// <summary>The lease was lost or the run has ended: this replica has no more to do with it.</summary>
internal sealed class RunLostException() : Exception("The run is another replica's now, or has ended.");

/// <summary>A run cannot go on, and why.</summary>
internal sealed class RunStoppedException(StopReason reason, string error) : Exception(error)
{
    public StopReason Reason { get; } = reason;
}

/// <summary>Works on one run that this replica holds: asks the planner, lets agents speak, stores each step before the next one begins.</summary>
internal sealed partial class RunExecution(
    RunLedger ledger, RunSeal seal, RunSignals signals, AgentTurn turn, IServiceScopeFactory scopes, IOptions<SwarmOptions> options,
    TimeProvider time, ILogger<RunExecution> logger)
{
    private const string LoginExpired = "The login that the run was started with has ended, so its agents cannot read the city any more. Start it again.";

    private static readonly TimeSpan DeltaEvery = TimeSpan.FromMilliseconds(250);

    /// <param name="cancellationToken">The run was cancelled or lost, or the replica stops.</param>
    /// <exception cref="RunLostException">See there.</exception>
    public async Task RunAsync(ClaimedRun run, CancellationToken cancellationToken)
    {
        var steps = run.Steps.ToList();
        var left = TimeSpan.FromSeconds(options.Value.MaxRunSeconds) - (time.GetUtcNow() - run.StartedAt);
        using var limit = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        Move.End end;
        try
        {
            end = await WorkAsync(run, steps, both.Token);
        }
        catch (RunStoppedException e)
        {
            end = new Move.End(RunStatus.Failed, e.Reason, e.Message);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            end = new Move.End(RunStatus.Failed, StopReason.MaxTime, $"The run took longer than {options.Value.MaxRunSeconds} s.");
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && !IsStore(e) && e is not RunLostException)
        {
            var fault = ProviderFault.Of(e);
            LogFault(run.Id, e.GetType().Name, fault is null ? e : null);
            end = fault is not null
                ? new Move.End(RunStatus.Failed, StopReason.ModelFailed, fault.Detail)
                : new Move.End(RunStatus.Failed, StopReason.Fault, "Something went wrong on our side.");
        }

        var facts = steps.Select(s => s.ToFact()).ToList();
        var result = end.Status == RunStatus.Completed ? TurnPlanner.Result(run.Plan, facts) : null;
        await ledger.FinishAsync(run, end, result, UsageOf(steps), cancellationToken);
        signals.Ring();
    }

    private async Task<Move.End> WorkAsync(ClaimedRun run, List<RunStep> steps, CancellationToken cancellationToken)
    {
        if (run.Attempt > options.Value.MaxAttempts)
        {
            return new Move.End(RunStatus.Failed, StopReason.Interrupted, $"The run was interrupted {run.Attempt - 1} times, so it is not taken up again.");
        }

        var authorization = run.SealedToken is { } box ? seal.Open(run.Id, box) : null;
        var guard = new LoopGuard();
        foreach (var call in steps.SelectMany(s => s.ToolCalls.Select(c => (s.Agent, c.Name, c.Arguments))))
        {
            guard.Allows(call.Agent, call.Name, call.Arguments);
        }

        while (true)
        {
            var move = TurnPlanner.Next(run.Plan, [.. steps.Select(s => s.ToFact())]);
            if (move is Move.End end)
            {
                return end;
            }

            if (authorization is null || run.TokenExpiresAt <= time.GetUtcNow())
            {
                return new Move.End(RunStatus.Failed, StopReason.LoginExpired, LoginExpired);
            }

            await SpeakAsync(run, ((Move.Speak)move).Turns, steps, guard, authorization, cancellationToken);
        }
    }

    /// <summary>Steps that do not wait for one another; the first that fails stops the others.</summary>
    private async Task SpeakAsync(
        ClaimedRun run, IReadOnlyList<Turn> turns, List<RunStep> steps, LoopGuard guard, string authorization, CancellationToken cancellationToken)
    {
        // Agents that work side by side know the goal only.
        IReadOnlyList<RunStep> said = run.Plan.Pattern == SwarmPattern.Concurrent ? [] : [.. steps];
        var gate = new Lock();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Value.MaxParallelTurns, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(turns, parallel, async (next, cancel) =>
        {
            using var scope = scopes.CreateScope();
            var api = scope.ServiceProvider.GetRequiredService<CityApi>().As(AuthenticationHeaderValue.Parse(authorization), run.Frontend);
            await TakeAsync(new TurnContext(run, next, said, api, guard), step =>
            {
                lock (gate)
                {
                    steps.Add(step);
                }
            }, cancel);
        });
        steps.Sort((a, b) => a.Index.CompareTo(b.Index));
    }

    private async Task TakeAsync(TurnContext context, Action<RunStep> onStored, CancellationToken cancellationToken)
    {
        var (run, agent, startedAt) = (context.Run, context.Agent, Now());
        var text = new StringBuilder();
        var stored = time.GetTimestamp();
        var outcome = await turn.RunAsync(context, OnTextAsync, cancellationToken);
        var step = new RunStep(
            context.Turn.Index, context.Turn.Agent, outcome.Model.Id, outcome.Content, [.. outcome.Tools.Calls], outcome.HandOffTo, outcome.Concludes,
            outcome.InputTokens, outcome.OutputTokens, outcome.CostUsd, startedAt, Now());
        if (!await ledger.CommitAsync(run, step, text.Length > 0 ? Delta() : null, cancellationToken))
        {
            throw new RunLostException();
        }

        onStored(step);
        signals.Ring();

        // Only now: what the turn cost is stored whatever came of it.
        if (outcome.Tools.LoginRefused)
        {
            throw new RunStoppedException(StopReason.LoginExpired, LoginExpired);
        }

        if (outcome.Tools.Loop is { } tool)
        {
            throw new RunStoppedException(StopReason.Loop, $"{agent.Name} called {tool} {LoopGuard.Most} times with the same arguments, so the run was stopped.");
        }

        async Task OnTextAsync(string piece)
        {
            text.Append(piece);
            if (time.GetElapsedTime(stored) < DeltaEvery)
            {
                return;
            }

            if (!await ledger.AppendDeltaAsync(run, Delta(), cancellationToken))
            {
                throw new RunLostException();
            }

            text.Clear();
            stored = time.GetTimestamp();
            signals.Ring();
        }

        DeltaEvent Delta() => new(run.Id, context.Turn.Index, agent.Name, run.Attempt, text.ToString());
    }

    /// <summary>To the microsecond, as the database keeps times: events and record then tell the same.</summary>
    private DateTimeOffset Now()
    {
        var now = time.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
    }

    /// <summary>The database being away is no fault of the run: it waits for a replica that can store.</summary>
    internal static bool IsStore(Exception e) => e is Npgsql.NpgsqlException || e.InnerException is Npgsql.NpgsqlException;

    internal static SwarmUsage UsageOf(IReadOnlyList<RunStep> steps) => new(
        steps.Count, steps.Sum(s => s.InputTokens), steps.Sum(s => s.OutputTokens), steps.Any(s => s.CostUsd is null) ? null : steps.Sum(s => s.CostUsd));

    // A provider's text may repeat what was sent, so of its faults only the kind is logged.
    [LoggerMessage(LogLevel.Error, "The run {RunId} failed: {Fault}")]
    private partial void LogFault(Guid runId, string fault, Exception? exception);
}
