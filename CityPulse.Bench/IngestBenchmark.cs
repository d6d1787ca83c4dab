using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Npgsql;

namespace CityPulse.Bench;

/// <summary>
/// Durable readings a second over HTTP, against a bare binary COPY of the same rows in the same run. The two take turns
/// in rounds, on tables that grow alike, so that whatever else the machine does meets both.
/// </summary>
internal sealed class IngestBenchmark(BenchOptions options, Goals goals)
{
    private const double LeastRatio = 0.5;
    private const double MostMegabytes = 500;
    private static readonly DateTime Start = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private int _accepted;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Console.WriteLine($"ingest: {options.Readings:N0} readings of {options.Sensors} sensors, {options.Writers} writers, batches of {options.Batch:N0} as JSON");
        await using var stack = await PrivateStack.StartAsync(cancellationToken);
        try
        {
            await RunAsync(stack, cancellationToken);
        }
        catch (BenchException e)
        {
            throw new BenchException($"{e.Message}\nThe Api wrote:\n{stack.Api.Tail()}");
        }
    }

    private async Task RunAsync(PrivateStack stack, CancellationToken cancellationToken)
    {
        using var client = await stack.RegisterAsync(cancellationToken);
        await using var connection = new NpgsqlConnection(stack.Database + ";Command Timeout=600");
        await connection.OpenAsync(cancellationToken);
        var bare = new BareCopy(connection);
        var keys = await CreateSensorsAsync(client, connection, cancellationToken);
        await WarmUpAsync(client, bare, keys, cancellationToken);

        var (http, copy, processor) = (TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero);
        Console.WriteLine("  round   HTTP readings/s   COPY readings/s   ratio");
        for (var round = 0; round < options.Rounds; round++)
        {
            var rows = RowsOf(round);
            var bodies = rows.Chunk(options.Batch).Select(Body).ToList();
            var bytes = BareCopy.Encode(rows, keys);
            var (mine, theirs) = (TimeSpan.Zero, TimeSpan.Zero);
            for (var turn = 0; turn < 2; turn++)
            {
                await bare.ExecuteAsync("CHECKPOINT", cancellationToken);
                if ((turn + round) % 2 == 0)
                {
                    var before = stack.Api.ProcessorTime();
                    mine = await TimeAsync(() => SendAsync(client, bodies, cancellationToken));
                    processor += stack.Api.ProcessorTime() - before;
                }
                else
                {
                    theirs = await TimeAsync(() => bare.RunAsync(bytes, cancellationToken));
                }
            }

            (http, copy) = (http + mine, copy + theirs);
            Console.WriteLine($"  {round + 1,5}   {rows.Count / mine.TotalSeconds,15:N0}   {rows.Count / theirs.TotalSeconds,15:N0}   {theirs / mine,5:N2}");
        }

        Console.WriteLine($"  all     {options.Readings / http.TotalSeconds,15:N0}   {options.Readings / copy.TotalSeconds,15:N0}   {copy / http,5:N2}");
        Console.WriteLine($"  the Api took {processor.TotalMicroseconds / options.Readings:N2} µs of processor time a reading");
        await RollUpAsync(connection, cancellationToken);
        await VerifyAsync(connection, cancellationToken);
        var peak = stack.Api.PeakMegabytes();
        goals.Add($"ingest at {copy / http:N2} of the bare COPY (at least {LeastRatio:N1})", copy / http >= LeastRatio);
        goals.Add($"peak memory of the Api {peak:N0} MB (under {MostMegabytes:N0})", peak < MostMegabytes);
    }

    private static string Name(int sensor) => $"bench-{sensor:0000}";

    private async Task<Dictionary<int, int>> CreateSensorsAsync(HttpClient client, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var building = await PrivateStack.PostAsync(client, "/api/v1/citypulse/buildings",
            new { name = "Bench", use = "office", timeZone = "Europe/Berlin", floorAreaM2 = 1000 }, cancellationToken);
        for (var sensor = 0; sensor < options.Sensors; sensor++)
        {
            await PrivateStack.PostAsync(client, "/api/v1/citypulse/sensors", new
            {
                buildingId = building.GetProperty("id").GetGuid(),
                quantity = "temperature",
                name = Name(sensor),
                externalId = Name(sensor),
            }, cancellationToken);
        }

        var keys = new Dictionary<int, int>();
        await using var command = new NpgsqlCommand("SELECT key, external_id FROM sensors", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            keys[int.Parse(reader.GetString(1).AsSpan("bench-".Length), CultureInfo.InvariantCulture)] = reader.GetInt32(0);
        }

        return keys;
    }

    /// <summary>Lets the just-in-time compiler see both ways once; nothing of it stays.</summary>
    private async Task WarmUpAsync(HttpClient client, BareCopy bare, Dictionary<int, int> keys, CancellationToken cancellationToken)
    {
        var rows = RowsOf(0);
        await SendAsync(client, [.. rows.Chunk(options.Batch).Take(10).Select(Body)], cancellationToken);
        _accepted = 0;

        // The months of all rounds, so that neither side makes a table while it is timed.
        var months = Enumerable.Range(0, options.Rounds).SelectMany(RowsOf).Where(r => r.Sensor == 0).Select(r => new Row(0, r.At, r.Value)).DistinctBy(r => (r.At.Year, r.At.Month)).ToArray();
        await SendAsync(client, [Body(months)], cancellationToken);
        _accepted = 0;
        await bare.ExecuteAsync("TRUNCATE readings", cancellationToken);
        await bare.CreateAsync(cancellationToken);
        await bare.RunAsync(BareCopy.Encode(rows, keys), cancellationToken);
        await bare.ExecuteAsync($"TRUNCATE {BareCopy.Table}", cancellationToken);
    }

    /// <summary>Readings as a city sends them: every quarter hour, all sensors.</summary>
    private List<Row> RowsOf(int round)
    {
        var count = options.Readings / options.Rounds;
        var random = new Random(round);
        var rows = new List<Row>(count);
        for (var i = (long)round * count; i < (round + 1L) * count; i++)
        {
            rows.Add(new Row((int)(i % options.Sensors), Start.AddMinutes(-15 * (options.Readings / options.Sensors)).AddMinutes(15 * (i / options.Sensors)), Math.Round(20 + (5 * random.NextDouble()), 3)));
        }

        return rows;
    }

    private static byte[] Body(Row[] rows)
    {
        var json = new StringBuilder("{\"readings\":[");
        foreach (var row in rows)
        {
            json.Append(json.Length > 13 ? "," : "").Append(CultureInfo.InvariantCulture,
                $"{{\"sensor\":\"{Name(row.Sensor)}\",\"at\":\"{row.At:yyyy-MM-ddTHH:mm:ssZ}\",\"value\":{row.Value:R}}}");
        }

        return Encoding.UTF8.GetBytes(json.Append("]}").ToString());
    }

    private async Task SendAsync(HttpClient client, List<byte[]> bodies, CancellationToken cancellationToken)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, options.Writers).Select(async _ =>
        {
            for (int batch; (batch = Interlocked.Increment(ref next)) < bodies.Count;)
            {
                using var content = new ByteArrayContent(bodies[batch]);
                content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
                using var response = await client.PostAsync("/api/v1/citypulse/sensors/readings", content, cancellationToken);
                var text = await response.Content.ReadAsStringAsync(cancellationToken);
                if (!response.IsSuccessStatusCode)
                {
                    throw new BenchException($"Ingest answered {(int)response.StatusCode}: {text}");
                }

                Interlocked.Add(ref _accepted, JsonElement.Parse(text).GetProperty("accepted").GetInt32());
            }
        }));
    }

    private static async Task<TimeSpan> TimeAsync(Func<Task> work)
    {
        var start = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Rollups are made beside the load and after it; answers are exact meanwhile, and cheap from here on.</summary>
    private async Task RollUpAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT (SELECT count(*) FROM rollup_dirty), (SELECT coalesce(sum(count), 0)::bigint FROM rollups), (SELECT count(*) FROM readings)", connection);
        for (var start = Stopwatch.GetTimestamp(); ; await Task.Delay(250, cancellationToken))
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            var (dirty, rolledUp, stored) = (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
            if (dirty == 0)
            {
                Console.WriteLine($"  all rollups made {Stopwatch.GetElapsedTime(start).TotalSeconds:N1} s after the last batch");
                goals.Add($"rollups hold {rolledUp:N0} of {stored:N0} readings", rolledUp == stored);
                return;
            }

            if (Stopwatch.GetElapsedTime(start) > TimeSpan.FromMinutes(5))
            {
                throw new BenchException($"{dirty} spans are still dirty five minutes after the last batch.");
            }
        }
    }

    private async Task VerifyAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""
            SELECT (SELECT count(*) FROM readings), (SELECT count(*) FROM {BareCopy.Table}),
                (SELECT count(*) FROM readings r JOIN {BareCopy.Table} b USING (sensor_key, observed_at) WHERE r.value = b.value AND r.quality = b.quality)
            """, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (stored, copied, same) = (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
        Console.WriteLine($"  stored {stored:N0} of {options.Readings:N0}, {same:N0} of them equal to the rows that were copied; accepted {_accepted:N0}");
        goals.Add("none lost, none doubled", stored == options.Readings && copied == options.Readings && same == options.Readings && _accepted == options.Readings);
    }
}
