using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Swarm;

/// <summary>Runs outlive the replica that works on them.</summary>
public sealed class SwarmResumeTests(TestStores stores) : IAsyncLifetime
{
    private const string Goal = "How much energy did the town hall use in October?";
    private static readonly string[] Patterns = ["sequential", "concurrent", "handoff", "group_chat"];

    private readonly TestTokens _tokens = new();
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private FakeServer _api = null!;

    /// <summary>Each pattern's engineer asks for the ranking, and waits for it until the test opens the gate.</summary>
    public async ValueTask InitializeAsync() => _api = await FakeApi.StartAsync(async (context, request) =>
    {
        switch (context.Request.Path.Value)
        {
            case "/api/v1/citypulse/energy/ranking":
                await _gate.Task.WaitAsync(context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return context.RequestAborted.IsCancellationRequested;
            default:
                return await GatewayProcess.AnswerAsync(context, _tokens);
        }
    });

    public async ValueTask DisposeAsync()
    {
        _gate.TrySetResult();
        await _api.DisposeAsync();
        _tokens.Dispose();
    }

    [Fact]
    public async Task After_kill_9_another_replica_finishes_runs_of_every_pattern_and_takes_no_step_twice()
    {
        var database = await stores.CreateDatabaseAsync();
        var token = _tokens.Issue(Role.Manager);
        var ids = new Dictionary<string, string>();
        var before = new Dictionary<string, (JsonElement Run, List<RunEvent> Events)>();
        using (var killed = await GatewayProcess.StartAsync(stores, database, _api.Address, new() { ["Swarm:LeaseSeconds"] = "2" }))
        {
            using var client = await killed.ClientAsync(token);
            foreach (var pattern in Patterns)
            {
                ids[pattern] = await client.StartRunAsync(new { goal = Goal, pattern });
            }

            await Eventually.TrueAsync(async () => Rankings() == Patterns.Length && (await StepsAsync(client, ids)).AllWaitForTheRanking(), "all runs wait in their middle");
            foreach (var (pattern, id) in ids)
            {
                var run = await client.GetRunAsync(id);
                run.GetProperty("status").GetString().ShouldBe("running");
                before[pattern] = (run, await client.EventsAsync(id, most: 2));
            }

            await killed.KillAsync();
        }

        _gate.SetResult();
        await using var gateway = await GatewayHost.StartAsync(stores, _api.Address, _tokens, database: database);
        using var second = gateway.CreateClient(token);
        foreach (var (pattern, id) in ids)
        {
            var (was, seen) = before[pattern];
            var run = await second.EndOfRunAsync(id);
            run.GetProperty("status").GetString().ShouldBe("completed", $"{pattern}: {run}");
            run.GetProperty("result").GetString()!.ShouldContain("987.65 kWh", customMessage: pattern);

            // What was stored before is there as it was, and no step is there or was charged twice.
            var steps = run.GetProperty("steps").EnumerateArray().ToList();
            foreach (var step in was.GetProperty("steps").EnumerateArray())
            {
                steps.Single(s => s.GetProperty("index").GetInt32() == step.GetProperty("index").GetInt32()).GetRawText().ShouldBe(step.GetRawText());
            }

            steps.Select(s => s.GetProperty("index").GetInt32()).ShouldBe(Enumerable.Range(0, steps.Count));
            run.Agents().Distinct().Count().ShouldBe(steps.Count);
            var usage = run.GetProperty("usage");
            usage.GetProperty("turns").GetInt32().ShouldBe(steps.Count);
            foreach (var count in new[] { "inputTokens", "outputTokens" })
            {
                usage.GetProperty(count).GetInt64().ShouldBe(steps.Sum(s => s.GetProperty("usage").GetProperty(count).GetInt64()), pattern);
            }

            // A reader goes on after the event that it saw last, none missing and none twice.
            var events = seen.Concat(await second.EventsAsync(id, after: seen[^1].Id)).ToList();
            events.Select(e => e.Id).ShouldBe(Enumerable.Range(1, events.Count).Select(i => (long)i));
            events.Where(e => e.Type == "swarm.step").Select(e => e.Data.GetProperty("index").GetInt32()).Order().ShouldBe(Enumerable.Range(0, steps.Count));
            events[^1].Type.ShouldBe("swarm.finished");
        }

        // The agents that had spoken were not asked again: one energy question a run.
        _api.Seen.Count(r => r.PathAndQuery.StartsWith("/api/v1/citypulse/energy?", StringComparison.Ordinal)).ShouldBe(Patterns.Length);
        _api.Seen.Where(r => r.PathAndQuery.StartsWith("/api/v1/citypulse", StringComparison.Ordinal)).ShouldAllBe(r => r.Authorization == $"Bearer {token}");
    }

    [Fact]
    public async Task A_replica_that_stops_gives_its_runs_back_at_once()
    {
        var token = _tokens.Issue(Role.Manager);
        string id;
        string database;
        await using (var first = await GatewayHost.StartAsync(stores, _api.Address, _tokens, new() { ["Swarm:LeaseSeconds"] = "300" }))
        {
            database = first.Database;
            using var client = first.CreateClient(token);
            id = await client.StartRunAsync(new { goal = Goal, pattern = "sequential" });
            await Eventually.TrueAsync(() => Rankings() == 1, "the run waits in its middle");
        }

        await using (var connection = new NpgsqlConnection(database))
        {
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand("select status || ' ' || attempts || ' ' || turns from ai.swarm_runs where lease_owner is null", connection);
            (await command.ExecuteScalarAsync()).ShouldBe("running 0 1");
        }

        _gate.SetResult();
        await using var second = await GatewayHost.StartAsync(stores, _api.Address, _tokens, database: database);
        using var later = second.CreateClient(token);
        (await later.EndOfRunAsync(id)).GetProperty("status").GetString().ShouldBe("completed");
    }

    [Fact]
    public async Task Two_replicas_share_the_work_and_each_run_is_done_once()
    {
        _gate.SetResult();
        var token = _tokens.Issue(Role.Manager);
        await using var first = await GatewayHost.StartAsync(stores, _api.Address, _tokens, new() { ["Swarm:MaxConcurrentRuns"] = "2" });
        await using var second = await GatewayHost.StartAsync(stores, _api.Address, _tokens, new() { ["Swarm:MaxConcurrentRuns"] = "2" }, first.Database);
        using var client = first.CreateClient(token);
        using var other = second.CreateClient(token);
        var ids = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => (i % 2 == 0 ? client : other).StartRunAsync(new { goal = Goal, pattern = Patterns[i % 4] })));
        foreach (var id in ids)
        {
            // Either replica tells all of it.
            var run = await other.EndOfRunAsync(id);
            run.GetProperty("status").GetString().ShouldBe("completed");
            (await client.EventsAsync(id)).Count(e => e.Type == "swarm.step").ShouldBe(run.GetProperty("steps").GetArrayLength());
        }
    }

    private int Rankings() => _api.Seen.Count(r => r.PathAndQuery.Contains("/energy/ranking", StringComparison.Ordinal));

    private static async Task<List<(string Pattern, int Steps)>> StepsAsync(HttpClient client, Dictionary<string, string> ids)
    {
        var steps = new List<(string, int)>();
        foreach (var (pattern, id) in ids)
        {
            steps.Add((pattern, (await client.GetRunAsync(id)).GetProperty("steps").GetArrayLength()));
        }

        return steps;
    }
}

file static class Middles
{
    /// <summary>Side by side two of three have spoken; else one.</summary>
    public static bool AllWaitForTheRanking(this List<(string Pattern, int Steps)> runs) => runs.TrueForAll(r => r.Steps == (r.Pattern == "concurrent" ? 2 : 1));
}
