using System.Diagnostics;
using CityPulse.Bench.Drills;
using Npgsql;

namespace CityPulse.Bench;

/// <summary>
/// Kills PostgreSQL, the Api and both at once, again and again, while writers load. Each writer sends a batch until it is acknowledged,
/// as devices do, with late readings and corrections among new ones. Afterwards every acknowledged reading must be there, once, with its
/// last value, and every stored rollup must be what the readings give.
/// </summary>
internal sealed class Drill(BenchOptions options, Goals goals)
{
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
        var acknowledged = await StoredReadings.JudgeAsync(connection, writers.Select(w => w.Acknowledged), goals, cancellationToken);
        while (await StoredReadings.ScalarAsync(connection, "SELECT count(*) FROM rollup_dirty", cancellationToken) > 0)
        {
            await Task.Delay(200, cancellationToken);
        }

        var wrong = await StoredReadings.ScalarAsync(connection, """
            SELECT count(*) FROM (
                SELECT sensor_key, date_trunc('hour', observed_at) AS bucket, count(*) AS count, min(value) AS min, max(value) AS max,
                    (array_agg(value ORDER BY observed_at))[1] AS first, (array_agg(value ORDER BY observed_at DESC))[1] AS last, sum(value::numeric) AS sum
                FROM readings GROUP BY 1, 2) a
            FULL JOIN rollups r USING (sensor_key, bucket)
            WHERE (a.count, a.min, a.max, a.first, a.last) IS DISTINCT FROM (r.count, r.min, r.max, r.first, r.last) OR abs(a.sum - r.sum::numeric) > 1e-9
            """, cancellationToken);
        var rollups = await StoredReadings.ScalarAsync(connection, "SELECT count(*) FROM rollups", cancellationToken);
        Console.WriteLine($"  {crashes} crashes, {acknowledged:N0} readings acknowledged, {rollups:N0} rollups");
        goals.Add($"of {rollups:N0} rollups {wrong} not what the readings give", wrong == 0 && rollups > 0);
    }
}
