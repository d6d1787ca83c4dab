using System.Diagnostics;

namespace CityPulse.Bench.Drills;

/// <summary><c>./citypulse drill [NAME …]</c>: ends with an error when anything did not hold.</summary>
internal static class DrillProgram
{
    public const string Verb = "drills";

    private static readonly (string Name, string About, Func<Goals, CancellationToken, Task> Run)[] Drills =
    [
        ("kill", "kill -9 of every process in turn, and start again, under load", ProcessDrills.KillAsync),
        ("term", "SIGTERM to every replica of the services in turn, under load", ProcessDrills.TermAsync),
        ("redis", "Redis gone for 30 s", StoreDrills.RedisAsync),
        ("postgres", "PostgreSQL gone for 30 s", StoreDrills.PostgresAsync),
        ("links", "a slow PostgreSQL, then every wire between processes cut", StoreDrills.SlowAsync),
        ("disk", "the disk of PostgreSQL is full (as root only)", StoreDrills.DiskAsync),
        ("clock", "the clock of one replica jumps (with libfaketime)", ClockDrill.RunAsync),
        ("storm", "5,000 WebSockets connect at once", CrowdDrills.StormAsync),
        ("overload", "three times as many readings as can be stored", CrowdDrills.OverloadAsync),
        ("alerts", "processes killed at random under 50 rules with webhooks", AlertDrill.RunAsync),
    ];

    public static IEnumerable<string> Names => Drills.Select(d => d.Name);

    public static async Task<int> RunAsync(string[] names, CancellationToken cancellationToken)
    {
        if (names.FirstOrDefault(name => !Drills.Any(d => d.Name == name)) is { } unknown)
        {
            await Console.Error.WriteLineAsync($"'{unknown}' is no drill. There are:");
            foreach (var drill in Drills)
            {
                await Console.Error.WriteLineAsync($"  {drill.Name,-9} {drill.About}");
            }

            return 2;
        }

        var missed = new List<string>();
        foreach (var (name, about, run) in Drills.Where(d => names.Length == 0 || names.Contains(d.Name)))
        {
            Console.WriteLine($"{name}: {about}");
            var (goals, began) = (new Goals(), Stopwatch.GetTimestamp());
            try
            {
                await run(goals, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                await Console.Error.WriteLineAsync("stopped");
                return 130;
            }
            catch (BenchException e)
            {
                goals.Add(e.Message, false);
            }

            if (!goals.Report())
            {
                missed.Add(name);
            }

            Console.WriteLine($"  {Stopwatch.GetElapsedTime(began).TotalSeconds:N0} s\n");
        }

        Console.WriteLine(missed.Count == 0 ? "All drills held." : $"Did not hold: {string.Join(", ", missed)}.");
        return missed.Count == 0 ? 0 : 1;
    }
}
