using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;

namespace CityPulse.Bench.Drills;

/// <summary>A device that sends each batch until it is acknowledged, with the same readings, and knows what was.</summary>
internal abstract class DeviceWriter(HttpClient client)
{
    /// <summary>The last acknowledged value of each sensor and time.</summary>
    public Dictionary<(string Sensor, DateTime At), double> Acknowledged { get; } = [];

    /// <summary>How often a batch had to be sent again.</summary>
    public int Repeated { get; private set; }

    /// <summary>The longest that a batch was under way, repetitions included.</summary>
    public TimeSpan Longest { get; private set; }

    /// <summary>How many were acknowledged.</summary>
    public int Batches { get; private set; }

    /// <summary>Between two batches.</summary>
    public TimeSpan Pace { get; init; }

    /// <param name="over">No new batch then; the one under way is sent to its end, so that it is known what became of it.</param>
    public async Task RunAsync(CancellationToken over, CancellationToken cancellationToken)
    {
        while (!over.IsCancellationRequested)
        {
            var batch = NextBatch();
            var began = Stopwatch.GetTimestamp();
            while (!await TrySendAsync(batch, cancellationToken))
            {
                Repeated++;
                await Task.Delay(50, cancellationToken);
            }

            var took = Stopwatch.GetElapsedTime(began);
            Longest = took > Longest ? took : Longest;
            Batches++;
            foreach (var (key, value) in batch)
            {
                Acknowledged[key] = value;
            }

            if (took < Pace)
            {
                await Task.Delay(Pace - took, cancellationToken);
            }
        }
    }

    protected abstract Dictionary<(string Sensor, DateTime At), double> NextBatch();

    /// <summary>One batch as a request's body.</summary>
    public static StringContent Csv(Dictionary<(string Sensor, DateTime At), double> batch)
    {
        var csv = new StringBuilder("sensor,at,value\n");
        foreach (var ((sensor, at), value) in batch)
        {
            csv.Append(CultureInfo.InvariantCulture, $"{sensor},{at:yyyy-MM-ddTHH:mm:ss.fffZ},{value:R}\n");
        }

        return new StringContent(csv.ToString(), Encoding.UTF8, "text/csv");
    }

    private async Task<bool> TrySendAsync(Dictionary<(string Sensor, DateTime At), double> batch, CancellationToken cancellationToken)
    {
        try
        {
            using var content = Csv(batch);
            using var answer = await client.PostAsync("/api/v1/citypulse/sensors/readings", content, cancellationToken);
            return answer.StatusCode switch
            {
                HttpStatusCode.OK => true,
                >= HttpStatusCode.InternalServerError => false,
                var other => throw new BenchException($"Ingest answered {(int)other}: {await answer.Content.ReadAsStringAsync(cancellationToken)}"),
            };
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // Killed under this request: the batch is sent again, and may have been stored already.
            return false;
        }
    }
}

/// <summary>Loads one sensor as fast as it is let, with late readings and corrections among new ones.</summary>
internal sealed class Writer(HttpClient client, string sensor, int seed) : DeviceWriter(client)
{
    private static readonly DateTime Start = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private readonly Random _random = new(seed);
    private int _next;

    public string Sensor => sensor;

    public int BatchSize { get; init; } = 500;

    protected override Dictionary<(string Sensor, DateTime At), double> NextBatch()
    {
        var batch = new Dictionary<(string, DateTime), double>();
        while (batch.Count < BatchSize)
        {
            // New seconds mostly; now and then one between them, late, or another value of an old one.
            var late = _next > 0 && _random.Next(10) == 0;
            var at = late ? Start.AddMilliseconds(500.0 * _random.Next(2 * _next)) : Start.AddSeconds(_next++);
            batch[(sensor, at)] = Math.Round(_random.NextDouble() * 100, 6);
        }

        return batch;
    }
}
