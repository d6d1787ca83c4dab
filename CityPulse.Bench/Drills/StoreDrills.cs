using System.Diagnostics;
using System.Net;

namespace CityPulse.Bench.Drills;

/// <summary>Stores that are away, slow or full, and a wire that is cut.</summary>
internal static class StoreDrills
{
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Trouble = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Recovery = TimeSpan.FromSeconds(30);
    /// <summary>What a probe under <c>deploy/</c> may take.</summary>
    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(5);

    public static async Task RedisAsync(Goals goals, CancellationToken cancellationToken)
    {
        await using var scene = await Scene.BeginAsync(new FleetPlan(), cancellationToken);
        await scene.DoAsync($"Redis is killed and away for {Away.TotalSeconds:0} s", scene.Fleet.Redis.KillAsync, TimeSpan.FromSeconds(5));
        var flows = await scene.FlowsAsync(Recovery);
        goals.Add($"readings are taken while Redis is away ({flows.TotalSeconds:N1} s for two batches of each writer)", flows < TimeSpan.FromSeconds(5));
        await Task.Delay(Away - TimeSpan.FromSeconds(5), cancellationToken);
        await scene.Fleet.Redis.StartAsync(cancellationToken);
        await scene.FlowsAsync(Recovery);
        await scene.JudgeAsync(goals);
    }

    public static async Task PostgresAsync(Goals goals, CancellationToken cancellationToken)
    {
        await using var scene = await Scene.BeginAsync(new FleetPlan(), cancellationToken);
        await scene.FlowsAsync(Recovery);
        await scene.DoAsync($"PostgreSQL is killed and away for {Away.TotalSeconds:0} s", scene.Fleet.Postgres.KillAsync, TimeSpan.FromSeconds(5));
        using var probe = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        var (isAsExpected, slowest, began) = (true, TimeSpan.Zero, Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(began) < Away - TimeSpan.FromSeconds(5))
        {
            foreach (var api in scene.Fleet.Apis)
            {
                foreach (var (path, expected) in ((string, HttpStatusCode)[])[("live", HttpStatusCode.OK), ("ready", HttpStatusCode.ServiceUnavailable)])
                {
                    var asked = Stopwatch.GetTimestamp();
                    isAsExpected &= await StatusAsync(probe, $"http://127.0.0.1:{api.Port}/health/{path}", cancellationToken) == expected;
                    slowest = Stopwatch.GetElapsedTime(asked) is var took && took > slowest ? took : slowest;
                }
            }

            await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        }

        goals.Add($"without PostgreSQL every replica of the Api is live and not ready, and says so within {slowest.TotalSeconds:N1} s", isAsExpected && slowest < ProbeTime);
        await scene.Fleet.Postgres.StartAsync(cancellationToken);
        var flows = await scene.FlowsAsync(Recovery);
        goals.Add($"readings flow {flows.TotalSeconds:N1} s after it is back, with no restart of a service", true);
        await scene.JudgeAsync(goals);
    }

    public static async Task SlowAsync(Goals goals, CancellationToken cancellationToken)
    {
        await using var scene = await Scene.BeginAsync(new FleetPlan(), cancellationToken);
        var delay = TimeSpan.FromMilliseconds(50);
        await scene.DoAsync($"PostgreSQL is slow for {Trouble.TotalSeconds:0} s: every packet takes {delay.TotalMilliseconds:0} ms", () => Later(() => scene.Fleet.ToPostgres.Delay = delay), Trouble);
        var slow = await scene.FlowsAsync(Recovery);
        scene.Fleet.ToPostgres.Delay = TimeSpan.Zero;
        goals.Add($"readings are taken from a slow PostgreSQL ({slow.TotalSeconds:N1} s for two batches of each writer)", slow < TimeSpan.FromSeconds(10));
        await CutAsync(scene, "from the services to PostgreSQL", scene.Fleet.ToPostgres);
        await CutAsync(scene, "from the services to Redis", scene.Fleet.ToRedis);
        await CutAsync(scene, "from Realtime to the Api", scene.Fleet.ToInternal);
        await CutAsync(scene, "from clients to Realtime", scene.Fleet.ToRealtime);
        await scene.JudgeAsync(goals);
    }

    /// <summary>The store's disk is a small one of its own, which is filled by somebody else.</summary>
    public static async Task DiskAsync(Goals goals, CancellationToken cancellationToken)
    {
        const int Megabytes = 400;
        var disk = Directory.CreateTempSubdirectory("citypulse-disk-").FullName;
        if (await ShellAsync("mount", "-t", "tmpfs", "-o", $"size={Megabytes}m,mode=0755", "tmpfs", disk) != 0)
        {
            Directory.Delete(disk);
            goals.Add("the drill needs a disk of its own (mount -t tmpfs), which this user may not have; it was not held", false);
            return;
        }

        try
        {
            await using var scene = await Scene.BeginAsync(new FleetPlan { DataFolder = Path.Combine(disk, "postgres") }, cancellationToken);
            await scene.FlowsAsync(Recovery);
            var filler = Path.Combine(disk, "filler");
            await scene.DoAsync($"the disk of PostgreSQL ({Megabytes} MB) is filled by another file", () => FillAsync(filler, cancellationToken), Trouble);
            var before = scene.Repeated;
            goals.Add($"{before} batches were refused with a 5xx on a full disk, none acknowledged in vain (below)", before > 0);
            File.Delete(filler);
            var flows = await scene.FlowsAsync(TimeSpan.FromMinutes(1));
            Console.WriteLine($"  readings flow {flows.TotalSeconds:N1} s after there is room again");
            await scene.JudgeAsync(goals);
        }
        finally
        {
            await ShellAsync("umount", disk);
            Directory.Delete(disk);
        }
    }

    private static async Task<HttpStatusCode?> StatusAsync(HttpClient client, string address, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await client.GetAsync(address, cancellationToken);
            return answer.StatusCode;
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Console.WriteLine($"  {address}: {e.Message}");
            return null;
        }
    }

    private static async Task CutAsync(Scene scene, string where, Link link)
    {
        await scene.DoAsync($"the wire {where} is cut for {Trouble.TotalSeconds / 2:0} s", () => Later(link.Cut), Trouble / 2);
        link.Mend();
        var flows = await scene.FlowsAsync(Recovery);
        Console.WriteLine($"  readings flow {flows.TotalSeconds:N1} s after it is mended");
    }

    private static Task Later(Action act)
    {
        act();
        return Task.CompletedTask;
    }

    private static async Task FillAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        var block = new byte[64 * 1024];
        try
        {
            while (true)
            {
                await file.WriteAsync(block, cancellationToken);
            }
        }
        catch (IOException)
        {
            // That is what it is for: the disk is full.
        }
    }

    private static async Task<int> ShellAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}
