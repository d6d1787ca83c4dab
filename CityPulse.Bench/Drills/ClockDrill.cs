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
            foreach (var (jump, what) in new[] { ("+10m", "ten minutes ahead"), ("+0", "back to the right time"), ("-10m", "ten minutes behind"), ("+0", "to the right time again") })
            {
                await scene.DoAsync($"the clock of {scene.Fleet.Apis[1].Name} jumps {what}", () => File.WriteAllTextAsync(clock, jump, cancellationToken), Trouble);
                await scene.FlowsAsync(TimeSpan.FromSeconds(30));
            }

            await scene.JudgeAsync(goals);
        }
        finally
        {
            File.Delete(clock);
        }
    }

    private static string? FindLibrary() => new[] { "/usr/lib", "/usr/local/lib" }.Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFiles(
            folder, "libfaketimeMT.so.1", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 3, IgnoreInaccessible = true })).FirstOrDefault();
}
