using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using CityPulse.Bench.Fanout;
using Npgsql;

namespace CityPulse.Bench.Drills;

/// <summary>More clients at once than is usual, and more readings than can be stored.</summary>
internal static class CrowdDrills
{
    private const int Clients = 5_000;
    private const int Rows = 1_000;
    private const int Factor = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    /// <summary>How long a batch waits for its turn at most (<c>Ingest:MaxWaitMilliseconds</c>), and how much longer than usual the rest may take.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(2);
    private const int Slower = 5;

    public static async Task StormAsync(Goals goals, CancellationToken cancellationToken)
    {
        await using var fleet = await Fleet.StartAsync(new FleetPlan { Apis = 1 }, cancellationToken);
        using var client = await fleet.RegisterAsync(cancellationToken);
        await Fleet.AddSensorAsync(client, await Fleet.AddBuildingAsync(client, cancellationToken), "drill", cancellationToken);
        var token = client.DefaultRequestHeaders.Authorization!.Parameter!;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var asking = AskAsync(client, over.Token);
        var began = Stopwatch.GetTimestamp();
        Console.WriteLine($"  {Clients:N0} WebSockets connect to {fleet.Realtimes.Count} replicas at once, and subscribe");
        var gathering = fleet.Realtimes.ConvertAll(r => Crowd.GatherAsync(
            Clients / fleet.Realtimes.Count, new Uri($"http://127.0.0.1:{r.Port}"), token, cancellationToken, atOnce: Clients));
        var crowds = await Task.WhenAll(gathering);
        var connected = Stopwatch.GetElapsedTime(began);
        await over.CancelAsync();
        var asked = await asking;
        goals.Add($"{crowds.Sum(c => c.Count):N0} clients were connected and subscribed after {connected.TotalSeconds:N1} s", connected < Patience);
        goals.Add(
            $"of {asked.Count:N0} requests to the Api meanwhile {asked.Count(a => !a.Good)} failed, p99 {Percentile(asked.Select(a => a.Took)).TotalMilliseconds:N0} ms",
            asked.TrueForAll(a => a.Good));

        const int Events = 10;
        for (var i = 0; i < Events; i++)
        {
            await PrivateStack.PostAsync(
                client, "/api/v1/citypulse/sensors/readings",
                new { readings = new[] { new { sensor = "drill", at = DateTime.UtcNow.AddMinutes(-10).AddSeconds(i), value = Clock.Milliseconds() } } }, cancellationToken);
            await Task.Delay(500, cancellationToken);
        }

        var isComplete = true;
        foreach (var crowd in crowds)
        {
            isComplete &= await crowd.HasAsync(Events, Patience, cancellationToken);
        }

        goals.Add(
            $"{crowds.Sum(c => c.Delivered()):N0} of {Events * Clients:N0} events were delivered, the age at arrival p50 {crowds.Max(c => c.Ages.Percentile(0.5)):N0} ms, p99 {crowds.Max(c => c.Ages.Percentile(0.99)):N0} ms",
            isComplete && crowds.Sum(c => c.Delivered()) == Events * Clients);
        Console.WriteLine($"  memory at its peak: {string.Join(", ", fleet.Realtimes.Select(r => $"{r.Name} {r.Process.PeakMegabytes():N0} MB"))}");
        foreach (var crowd in crowds)
        {
            await crowd.DisposeAsync();
        }
    }

    public static async Task OverloadAsync(Goals goals, CancellationToken cancellationToken)
    {
        await using var fleet = await Fleet.StartAsync(new FleetPlan { Apis = 1, Realtimes = 0 }, cancellationToken);
        using var registered = await fleet.RegisterAsync(cancellationToken);
        await Fleet.AddSensorAsync(registered, await Fleet.AddBuildingAsync(registered, cancellationToken), "drill", cancellationToken);
        // Past the link, which has as little time as the load itself.
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{fleet.Apis[0].Port}"), Timeout = Patience };
        client.DefaultRequestHeaders.Authorization = registered.DefaultRequestHeaders.Authorization;
        var posts = new Posts(client);
        using var over = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            while (!over.IsCancellationRequested)
            {
                await posts.SendAsync(cancellationToken);
            }
        }));
        var capacity = posts.Answers.Count / Stopwatch.GetElapsedTime(began).TotalSeconds;
        var usual = Percentile(posts.Answers.Select(a => a.Took));
        Console.WriteLine($"  eight senders: {capacity * Rows:N0} readings/s, p99 {usual.TotalMilliseconds:N0} ms");

        posts.Answers.Clear();
        Console.WriteLine($"  {Factor} times as many for 10 s, whatever becomes of them");
        began = Stopwatch.GetTimestamp();
        var sending = new List<Task>();
        while (Stopwatch.GetElapsedTime(began) is { TotalSeconds: < 10 } elapsed)
        {
            while (sending.Count < elapsed.TotalSeconds * capacity * Factor)
            {
                sending.Add(posts.SendAsync(cancellationToken));
            }

            await Task.Delay(5, cancellationToken);
        }

        await Task.WhenAll(sending);
        var took = Stopwatch.GetElapsedTime(began);
        var admitted = posts.Answers.Where(a => a.Status == HttpStatusCode.OK).ToList();
        var shed = posts.Answers.Where(a => a.Status == HttpStatusCode.ServiceUnavailable).ToList();
        var others = posts.Answers.Count - admitted.Count - shed.Count;
        Console.WriteLine($"  {sending.Count:N0} batches offered, {admitted.Count:N0} admitted ({admitted.Count * Rows / took.TotalSeconds:N0} readings/s), {shed.Count:N0} shed, {others} otherwise");
        goals.Add($"{shed.Count:N0} batches were shed with 503, all with Retry-After; {others} ended otherwise", shed.Count > 0 && shed.TrueForAll(a => a.HasRetryAfter) && others == 0);
        var longest = Percentile(admitted.Select(a => a.Took));
        var bound = Turn + (Slower * usual);
        goals.Add(
            $"the admitted were stored in p99 {longest.TotalMilliseconds:N0} ms (at most {bound.TotalMilliseconds:N0} ms: their turn, and {Slower} times the usual)",
            longest < bound && admitted.Count > 0);
        await using var connection = new NpgsqlConnection(fleet.Database);
        await connection.OpenAsync(cancellationToken);
        await StoredReadings.JudgeAsync(connection, posts.Acknowledged, goals, cancellationToken);
    }

    private static async Task<List<(TimeSpan Took, bool Good)>> AskAsync(HttpClient client, CancellationToken over)
    {
        var asked = new List<(TimeSpan, bool)>();
        do
        {
            var began = Stopwatch.GetTimestamp();
            var good = await PrivateStack.AnswersAsync(client, "/api/v1/citypulse/buildings", CancellationToken.None);
            asked.Add((Stopwatch.GetElapsedTime(began), good));
            await Task.Delay(20, CancellationToken.None);
        }
        while (!over.IsCancellationRequested);
        return asked;
    }

    private static TimeSpan Percentile(IEnumerable<TimeSpan> times)
    {
        var sorted = times.Order().ToList();
        return sorted.Count == 0 ? TimeSpan.Zero : sorted[(int)Math.Ceiling(sorted.Count * 0.99) - 1];
    }

    /// <summary>Batches, each sent once.</summary>
    private sealed class Posts(HttpClient client)
    {
        private static readonly DateTime Start = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        private int _batch;

        public ConcurrentBag<(HttpStatusCode? Status, bool HasRetryAfter, TimeSpan Took)> Answers { get; } = [];

        public ConcurrentBag<Dictionary<(string Sensor, DateTime At), double>> Acknowledged { get; } = [];

        public async Task SendAsync(CancellationToken cancellationToken)
        {
            await Task.Yield();
            var first = Interlocked.Increment(ref _batch) * Rows;
            var batch = Enumerable.Range(first, Rows).ToDictionary(i => ("drill", Start.AddSeconds(i)), i => (double)i);
            using var content = DeviceWriter.Csv(batch);
            var began = Stopwatch.GetTimestamp();
            try
            {
                using var answer = await client.PostAsync("/api/v1/citypulse/sensors/readings", content, cancellationToken);
                Answers.Add((answer.StatusCode, answer.Headers.RetryAfter is not null, Stopwatch.GetElapsedTime(began)));
                if (answer.StatusCode == HttpStatusCode.OK)
                {
                    Acknowledged.Add(batch);
                }
            }
            catch (HttpRequestException)
            {
                Answers.Add((null, false, Stopwatch.GetElapsedTime(began)));
            }
        }
    }
}
