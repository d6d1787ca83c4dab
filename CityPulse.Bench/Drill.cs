using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Npgsql;

namespace CityPulse.Bench;

/// <summary>
/// Kills PostgreSQL, the Api and both at once, again and again, while writers load. Each writer sends a batch until it is acknowledged,
/// as devices do, with late readings and corrections among new ones. Afterwards every acknowledged reading must be there, once, with its
/// last value, and every stored rollup must be what the readings give.
/// </summary>
internal sealed class Drill(BenchOptions options, Goals goals)
{
    private const int BatchSize = 500;
    private static readonly DateTime Start = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly TimeSpan BetweenCrashes = TimeSpan.FromSeconds(6);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Console.WriteLine($"drill: {options.Writers} writers for {options.Seconds} s, a crash every {BetweenCrashes.TotalSeconds:0} s");
        await using var stack = await PrivateStack.StartAsync(cancellationToken);
        using var client = await stack.RegisterAsync(cancellationToken);
        var building = await PrivateStack.PostAsync(client, "/api/v1/citypulse/buildings",
            new { name = "Drill", use = "office", timeZone = "America/New_York", floorAreaM2 = 1000 }, cancellationToken);
        var writers = Enumerable.Range(0, options.Writers).Select(w => new Writer(client, $"drill-{w}", w)).ToList();
        foreach (var writer in writers)
        {
            await PrivateStack.PostAsync(client, "/api/v1/citypulse/sensors",
                new { buildingId = building.GetProperty("id").GetGuid(), quantity = "temperature", name = writer.Sensor, externalId = writer.Sensor }, cancellationToken);
        }

        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var loading = writers.Select(w => w.RunAsync(over.Token, cancellationToken)).ToList();
        var crashes = await CrashAsync(stack, cancellationToken);
        await over.CancelAsync();
        await Task.WhenAll(loading);
        await JudgeAsync(stack, writers, crashes, cancellationToken);
    }

    private async Task<int> CrashAsync(PrivateStack stack, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var crashes = 0;
        for (; Stopwatch.GetElapsedTime(started).TotalSeconds < options.Seconds; crashes++)
        {
            await Task.Delay(BetweenCrashes, cancellationToken);
            var (api, postgres) = (crashes % 3 != 0, crashes % 3 != 1);
            Console.WriteLine($"  {Stopwatch.GetElapsedTime(started).TotalSeconds,5:N1} s  kill -9 {(api ? "Api " : "")}{(postgres ? "PostgreSQL" : "")}");
            await stack.CrashAsync(api, postgres, cancellationToken);
        }

        return crashes;
    }

    private async Task JudgeAsync(PrivateStack stack, List<Writer> writers, int crashes, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(stack.Database + ";Pooling=false;Command Timeout=600");
        await connection.OpenAsync(cancellationToken);
        var (acknowledged, missing, surplus) = (0, 0, 0);
        foreach (var writer in writers)
        {
            var stored = await StoredAsync(connection, writer.Sensor, cancellationToken);
            acknowledged += writer.Acknowledged.Count;
            missing += writer.Acknowledged.Count(a => !stored.TryGetValue(a.Key, out var value) || value != a.Value);
            surplus += stored.Keys.Count(at => !writer.Acknowledged.ContainsKey(at));
        }

        while (await ScalarAsync(connection, "SELECT count(*) FROM rollup_dirty", cancellationToken) > 0)
        {
            await Task.Delay(200, cancellationToken);
        }

        var wrong = await ScalarAsync(connection, """
            SELECT count(*) FROM (
                SELECT sensor_key, date_trunc('hour', observed_at) AS bucket, count(*) AS count, min(value) AS min, max(value) AS max,
                    (array_agg(value ORDER BY observed_at))[1] AS first, (array_agg(value ORDER BY observed_at DESC))[1] AS last, sum(value::numeric) AS sum
                FROM readings GROUP BY 1, 2) a
            FULL JOIN rollups r USING (sensor_key, bucket)
            WHERE (a.count, a.min, a.max, a.first, a.last) IS DISTINCT FROM (r.count, r.min, r.max, r.first, r.last) OR abs(a.sum - r.sum::numeric) > 1e-9
            """, cancellationToken);
        var rollups = await ScalarAsync(connection, "SELECT count(*) FROM rollups", cancellationToken);
        Console.WriteLine($"  {crashes} crashes, {acknowledged:N0} readings acknowledged, {rollups:N0} rollups");
        goals.Add($"of {acknowledged:N0} acknowledged readings {missing} missing or wrong, {surplus} stored that nobody sent", missing == 0 && surplus == 0 && acknowledged > 0);
        goals.Add($"of {rollups:N0} rollups {wrong} not what the readings give", wrong == 0 && rollups > 0);
    }

    private static async Task<Dictionary<DateTime, double>> StoredAsync(NpgsqlConnection connection, string sensor, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT r.observed_at, r.value FROM readings r JOIN sensors s ON s.key = r.sensor_key WHERE s.external_id = $1", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sensor });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var stored = new Dictionary<DateTime, double>();
        while (await reader.ReadAsync(cancellationToken))
        {
            // Add and not set: a reading that stood there twice would throw.
            stored.Add(reader.GetDateTime(0), reader.GetDouble(1));
        }

        return stored;
    }

    private static async Task<long> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private sealed class Writer(HttpClient client, string sensor, int seed)
    {
        private readonly Random _random = new(seed);
        private int _next;

        public string Sensor => sensor;

        /// <summary>The last acknowledged value of each time.</summary>
        public Dictionary<DateTime, double> Acknowledged { get; } = [];

        /// <param name="over">No new batch then; the one under way is sent to its end, so that it is known what became of it.</param>
        public async Task RunAsync(CancellationToken over, CancellationToken cancellationToken)
        {
            while (!over.IsCancellationRequested)
            {
                var batch = Batch();
                while (!await TrySendAsync(batch, cancellationToken))
                {
                    await Task.Delay(50, cancellationToken);
                }

                foreach (var (at, value) in batch)
                {
                    Acknowledged[at] = value;
                }
            }
        }

        private Dictionary<DateTime, double> Batch()
        {
            var batch = new Dictionary<DateTime, double>();
            while (batch.Count < BatchSize)
            {
                // New seconds mostly; now and then one between them, late, or another value of an old one.
                var late = _next > 0 && _random.Next(10) == 0;
                var at = late ? Start.AddMilliseconds(500.0 * _random.Next(2 * _next)) : Start.AddSeconds(_next++);
                batch[at] = Math.Round(_random.NextDouble() * 100, 6);
            }

            return batch;
        }

        private async Task<bool> TrySendAsync(Dictionary<DateTime, double> batch, CancellationToken cancellationToken)
        {
            var csv = new StringBuilder("sensor,at,value\n");
            foreach (var (at, value) in batch)
            {
                csv.Append(CultureInfo.InvariantCulture, $"{sensor},{at:yyyy-MM-ddTHH:mm:ss.fffZ},{value:R}\n");
            }

            try
            {
                using var content = new StringContent(csv.ToString(), Encoding.UTF8, "text/csv");
                using var answer = await client.PostAsync("/api/v1/citypulse/sensors/readings", content, cancellationToken);
                return answer.StatusCode switch
                {
                    HttpStatusCode.OK => true,
                    >= HttpStatusCode.InternalServerError => false,
                    var other => throw new BenchException($"Ingest answered {(int)other}: {await answer.Content.ReadAsStringAsync(cancellationToken)}"),
                };
            }
            catch (HttpRequestException)
            {
                // Killed under this request: the batch is sent again, and may have been stored already.
                return false;
            }
        }
    }
}
