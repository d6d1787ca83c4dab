namespace CityPulse.Bench.Drills;

/// <summary>The clock of one replica jumps while it works: by libfaketime, which the product knows nothing of.</summary>
internal static class ClockDrill
{
    private static readonly TimeSpan Trouble = TimeSpan.FromSeconds(15);

    public static async Task RunAsync(Goals goals, CancellationToken cancellationToken)
    {
        if (FindLibrary() is not { } library)
        {
            goals.Add("the drill needs libfaketime (Debian: apt-get install libfaketime); it was not held", false);
            return;
        }

        var clock = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(clock, "+0", cancellationToken);
            await using var scene = await Scene.BeginAsync(
                new FleetPlan
                {
                    SecondApi = new Dictionary<string, string>
                    {
                        ["LD_PRELOAD"] = library, ["FAKETIME_TIMESTAMP_FILE"] = clock, ["FAKETIME_NO_CACHE"] = "1", ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
                        ["DONT_FAKE_MONOTONIC"] = "1",
                    },
                },
                cancellationToken);
            var isMoved = true;
            foreach (var minutes in new[] { 10, 0, -10, 0 })
            {
                var replica = scene.Fleet.Apis[1];
                await scene.DoAsync($"the clock of {replica.Name} jumps to {minutes:+0;-0;0} minutes", () => File.WriteAllTextAsync(clock, $"{minutes:+0;-0;+0}m", cancellationToken), Trouble);
                isMoved &= Math.Abs(await OffsetAsync(replica, cancellationToken) - minutes) < 0.5;
                await scene.FlowsAsync(TimeSpan.FromSeconds(30));
            }

            goals.Add("the replica's answers show the time that it was given", isMoved);
            goals.Add("readings flow at every one of these times", true);
            await scene.JudgeAsync(goals);
        }
        finally
        {
            File.Delete(clock);
        }
    }

    /// <summary>How many minutes a replica's clock is ahead, by the date of an answer.</summary>
    private static async Task<double> OffsetAsync(Replica replica, CancellationToken cancellationToken)
    {
        using var client = new HttpClient();
        using var answer = await client.GetAsync($"http://127.0.0.1:{replica.Port}/health/live", cancellationToken);
        return answer.Headers.Date is { } date ? (date - DateTimeOffset.UtcNow).TotalMinutes : double.NaN;
    }

    private static string? FindLibrary() => new[] { "/usr/lib", "/usr/local/lib" }.Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFiles(
            folder, "libfaketimeMT.so.1", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 3, IgnoreInaccessible = true })).FirstOrDefault();
}
