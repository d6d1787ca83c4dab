using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using CityPulse.Bench.Fanout;

namespace CityPulse.Bench;

/// <summary>
/// One event to many WebSockets: at a fixed rate, and as fast as it goes, beside a bare SignalR broadcast of the same
/// size in the same run; then the time from an accepted POST to the received event. Everything on this machine, the load
/// as well; our side goes the whole way over HTTP, the database, the outbox and Redis.
/// </summary>
internal sealed class FanoutBenchmark(BenchOptions options, Goals goals)
{
    private const double LeastRatio = 0.7;
    private const double MostMilliseconds = 250;
    private const int Window = 16;
    private const int Rounds = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private int _posted;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Console.WriteLine($"fanout: {options.Clients:N0} WebSockets, {options.Rate} events/s");
        var (internalPort, internalKey) = (Subject.FreePort(), Guid.NewGuid().ToString("N"));
        await using var stack = await PrivateStack.StartAsync(
            cancellationToken, new Dictionary<string, string> { ["INTERNAL_HTTP_PORT"] = $"{internalPort}", ["Internal__Key"] = internalKey });
        await stack.StartRealtimeAsync(internalPort, internalKey, cancellationToken);
        await using var bare = await StartBareAsync(cancellationToken);
        try
        {
            using var client = await stack.RegisterAsync(cancellationToken);
            await CreateSensorsAsync(client, cancellationToken);
            var token = client.DefaultRequestHeaders.Authorization!.Parameter!;
            await CompareAsync(stack, bare, client, token, cancellationToken);
            await EndToEndAsync(stack, client, token, cancellationToken);
        }
        catch (BenchException e)
        {
            throw new BenchException($"{e.Message}\nRealtime wrote:\n{stack.Realtime.Tail()}\nThe Api wrote:\n{stack.Api.Tail()}");
        }
    }

    private async Task CompareAsync(PrivateStack stack, Bare bare, HttpClient client, string token, CancellationToken cancellationToken)
    {
        Console.WriteLine("               deliveries/s   of due   p50 ms   p99 ms   cores   µs/delivery");
        var (mine, theirs) = (0.0, 0.0);
        for (var round = 0; round < Rounds; round++)
        {
            await using (var crowd = await Crowd.GatherAsync(options.Clients, bare.Address, null, cancellationToken))
            {
                await MeasureAsync("bare, at rate", crowd, bare.Process, () => bare.AskAsync($"/rate?perSecond={options.Rate}&seconds={options.LoadSeconds}", cancellationToken));
                theirs += await MeasureAsync("bare, all out", crowd, bare.Process, () => bare.AskAsync($"/saturate?seconds={options.LoadSeconds}", cancellationToken));
            }

            await using (var crowd = await Crowd.GatherAsync(options.Clients, stack.RealtimeAddress, token, cancellationToken))
            {
                await MeasureAsync("ours, at rate", crowd, stack.Realtime, () => RateAsync(client, options.Rate, 1, cancellationToken));
                mine += await MeasureAsync("ours, all out", crowd, stack.Realtime, () => SaturateAsync(client, crowd, cancellationToken));
            }
        }

        goals.Add($"fanout at {mine / theirs:N2} of the bare broadcast's deliveries/s (at least {LeastRatio:N1})", mine / theirs >= LeastRatio);
    }

    /// <summary>Runs one load to the last delivery; returns deliveries a second.</summary>
    private async Task<double> MeasureAsync(string what, Crowd crowd, Subject subject, Func<Task<int>> load)
    {
        crowd.Restart();
        var (start, before) = (Stopwatch.GetTimestamp(), subject.ProcessorTime());
        var sent = await load();
        var isComplete = await crowd.HasAsync(sent, Patience, CancellationToken.None);
        var (elapsed, processor) = (Stopwatch.GetElapsedTime(start), subject.ProcessorTime() - before);
        var delivered = crowd.Delivered();
        Console.WriteLine(
            $"  {what,-12} {delivered / elapsed.TotalSeconds,12:N0}   {delivered / ((double)sent * crowd.Count),6:P0}   {crowd.Ages.Percentile(0.5),6:N1}   "
            + $"{crowd.Ages.Percentile(0.99),6:N1}   {processor / elapsed,5:N2}   {processor.TotalMicroseconds / delivered,11:N1}");
        if (!isComplete || delivered != (long)sent * crowd.Count)
        {
            goals.Add($"{what}: {delivered:N0} of {(long)sent * crowd.Count:N0} events delivered (all)", false);
        }

        return delivered / elapsed.TotalSeconds;
    }

    private async Task EndToEndAsync(PrivateStack stack, HttpClient client, string token, CancellationToken cancellationToken)
    {
        const int clients = 500;
        const int readings = 10;
        await using var crowd = await Crowd.GatherAsync(clients, stack.RealtimeAddress, token, cancellationToken);
        await MeasureAsync("500 clients", crowd, stack.Realtime, () => RateAsync(client, 20, readings, cancellationToken));
        var p99 = crowd.Ages.Percentile(0.99);
        goals.Add($"from POST to received event p99 {p99:N0} ms at 200 readings/s and {clients} clients (under {MostMilliseconds:N0})", p99 < MostMilliseconds);
    }

    private async Task<int> RateAsync(HttpClient client, double perSecond, int readings, CancellationToken cancellationToken)
    {
        var posts = new List<Task>();
        for (var start = Stopwatch.GetTimestamp(); posts.Count < perSecond * options.LoadSeconds;)
        {
            await Pace.UntilAsync(start, posts.Count / perSecond);
            posts.Add(PostAsync(client, readings, cancellationToken));
        }

        await Task.WhenAll(posts);
        return posts.Count;
    }

    /// <summary>As many events as everybody takes: never more than a few ahead of the slowest.</summary>
    private async Task<int> SaturateAsync(HttpClient client, Crowd crowd, CancellationToken cancellationToken)
    {
        var sent = 0;
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalSeconds < options.LoadSeconds; sent++)
        {
            if (!await crowd.HasAsync(sent - Window, Patience, cancellationToken))
            {
                throw new BenchException("The subscribers get nothing any more.");
            }

            await PostAsync(client, 1, cancellationToken);
        }

        return sent;
    }

    private async Task PostAsync(HttpClient client, int readings, CancellationToken cancellationToken)
    {
        var first = Interlocked.Add(ref _posted, readings) - readings;
        var body = new StringBuilder("{\"readings\":[");
        for (var i = first; i < first + readings; i++)
        {
            var at = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddSeconds(i);
            body.Append(i > first ? "," : "").Append(CultureInfo.InvariantCulture, $"{{\"sensor\":\"bench\",\"at\":\"{at:yyyy-MM-ddTHH:mm:ssZ}\",\"value\":{Clock.Milliseconds():R}}}");
        }

        using var content = new StringContent(body.Append("]}").ToString(), Encoding.UTF8, "application/json");
        using var response = await client.PostAsync("/api/v1/citypulse/sensors/readings", content, cancellationToken);
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        if (!response.IsSuccessStatusCode || JsonElement.Parse(text).GetProperty("accepted").GetInt32() != readings)
        {
            throw new BenchException($"Ingest answered {(int)response.StatusCode}: {text}");
        }
    }

    private static async Task CreateSensorsAsync(HttpClient client, CancellationToken cancellationToken)
    {
        var building = await PrivateStack.PostAsync(client, "/api/v1/citypulse/buildings",
            new { name = "Bench", use = "office", timeZone = "Europe/Berlin", floorAreaM2 = 1000 }, cancellationToken);
        await PrivateStack.PostAsync(client, "/api/v1/citypulse/sensors",
            new { buildingId = building.GetProperty("id").GetGuid(), quantity = "illuminance", name = "bench", externalId = "bench" }, cancellationToken);
    }

    private static async Task<Bare> StartBareAsync(CancellationToken cancellationToken)
    {
        var port = Subject.FreePort();
        var bare = new Bare(Subject.StartBare(BareHub.Command, $"{port}"), new Uri($"http://127.0.0.1:{port}"));
        await bare.Process.UntilAsync(() => PrivateStack.AnswersAsync(bare.Client, "/ready", cancellationToken), "The bare hub becomes ready", TimeSpan.FromMinutes(1), cancellationToken);
        return bare;
    }

    private sealed class Bare(Subject process, Uri address) : IAsyncDisposable
    {
        public Subject Process => process;

        public Uri Address => address;

        public HttpClient Client { get; } = new() { BaseAddress = address, Timeout = TimeSpan.FromMinutes(5) };

        public async Task<int> AskAsync(string path, CancellationToken cancellationToken)
        {
            using var response = await Client.PostAsync(path, null, cancellationToken);
            return int.Parse(await response.Content.ReadAsStringAsync(cancellationToken), CultureInfo.InvariantCulture);
        }

        public ValueTask DisposeAsync()
        {
            Client.Dispose();
            return process.DisposeAsync();
        }
    }
}
