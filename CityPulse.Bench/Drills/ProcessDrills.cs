using System.Net;

namespace CityPulse.Bench.Drills;

/// <summary>Processes that die, and processes that are told to end.</summary>
internal static class ProcessDrills
{
    private static readonly TimeSpan Meanwhile = TimeSpan.FromSeconds(3);

    public static async Task KillAsync(Goals goals, CancellationToken cancellationToken)
    {
        await using var scene = await Scene.BeginAsync(new FleetPlan(), cancellationToken);
        var slowest = TimeSpan.Zero;
        Replica[] all = [.. scene.Fleet.Apis, .. scene.Fleet.Realtimes, scene.Fleet.Redis, scene.Fleet.Postgres];
        foreach (var replica in all)
        {
            await scene.DoAsync($"kill -9 {replica.Name}, and start it again {Meanwhile.TotalSeconds:0} s later", replica.KillAsync, Meanwhile);
            await replica.StartAsync(cancellationToken);
            var flows = await scene.FlowsAsync(TimeSpan.FromSeconds(30));
            slowest = flows > slowest ? flows : slowest;
        }

        Console.WriteLine($"  at most {slowest.TotalSeconds:N1} s after a restart all writers were served again");
        await scene.JudgeAsync(goals);
    }

    public static async Task TermAsync(Goals goals, CancellationToken cancellationToken)
    {
        await using var scene = await Scene.BeginAsync(new FleetPlan { ConnectionLifetime = Timeout.InfiniteTimeSpan }, cancellationToken);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var asking = Enumerable.Range(0, 8).Select(_ => AskAsync(scene, over.Token)).ToList();
        var longest = TimeSpan.Zero;
        var isInTime = true;
        foreach (var (replica, link) in scene.Fleet.Apis.Select(a => (a, scene.Fleet.ToApi)).Concat(scene.Fleet.Realtimes.Select(r => (r, scene.Fleet.ToRealtime))))
        {
            Console.WriteLine($"  SIGTERM to {replica.Name}");
            // As an orchestrator does: the replica is told, and no new connection is led to it.
            link.TakeOut(replica.Port);
            var (took, inTime) = await replica.EndAsync(cancellationToken);
            (longest, isInTime) = (took > longest ? took : longest, isInTime && inTime);
            await replica.StartAsync(cancellationToken);
            link.PutIn(replica.Port);
            await scene.FlowsAsync(TimeSpan.FromSeconds(30));
        }

        await over.CancelAsync();
        var (asked, failed) = (await Task.WhenAll(asking)).Aggregate((Asked: 0, Failed: 0), (sum, one) => (sum.Asked + one.Asked, sum.Failed + one.Failed));
        goals.Add($"every replica ended by itself within the grace period, the slowest in {longest.TotalSeconds:N1} s", isInTime);
        goals.Add($"of {asked:N0} requests meanwhile {failed} failed, and {scene.Repeated} batches had to be sent again", failed == 0 && scene.Repeated == 0);
        await scene.JudgeAsync(goals);
    }

    private static async Task<(int Asked, int Failed)> AskAsync(Scene scene, CancellationToken over)
    {
        var (asked, failed) = (0, 0);
        while (!over.IsCancellationRequested)
        {
            try
            {
                using var answer = await scene.Client.GetAsync("/api/v1/citypulse/buildings", CancellationToken.None);
                if (answer.StatusCode != HttpStatusCode.OK)
                {
                    Console.WriteLine($"  a request was answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(CancellationToken.None)}");
                    failed++;
                }
            }
            catch (HttpRequestException e)
            {
                Console.WriteLine($"  a request failed: {e.Message}");
                failed++;
            }

            asked++;
            await Task.Delay(10, CancellationToken.None);
        }

        return (asked, failed);
    }
}
