using System.Diagnostics;
using Npgsql;

namespace CityPulse.Bench.Drills;

/// <summary>
/// Fifty rules, 200 sensors and 2,000 readings a second on two replicas of each service, with webhooks and a live stream; meanwhile processes are
/// killed at random. Afterwards there is one alert for each episode that the acknowledged readings show, and everybody was told.
/// </summary>
internal static class AlertDrill
{
    private const int Rules = 50;
    private const int Sensors = 200;
    private const int Writers = 4;
    private const double Limit = 30;
    private static readonly TimeSpan Load = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public static async Task RunAsync(Goals goals, CancellationToken cancellationToken)
    {
        await using var hooks = await Hooks.StartAsync(cancellationToken);
        await using var fleet = await Fleet.StartAsync(
            new FleetPlan
            {
                Settings = new Dictionary<string, string>
                {
                    ["Alerts__Channels__AllowPrivateTargets"] = "true", ["Alerts__Channels__FirstRetrySeconds"] = "0.5", ["Alerts__Channels__TimeoutSeconds"] = "2",
                },
            },
            cancellationToken);
        using var client = await fleet.RegisterAsync(cancellationToken);
        var sensors = await PrepareAsync(client, hooks, cancellationToken);
        var crowd = new List<Follower>();
        await using var parting = new Parting(crowd);
        foreach (var building in sensors.Values.Select(s => s.Building).Distinct().Select(b => (Guid?)b).Prepend(null).Prepend(null))
        {
            var prefix = building is null ? "" : $"buildings/{building}/";
            crowd.Add(new Follower(building, prefix + "alerts", await Watcher.StartAsync(
                fleet.Door, client.DefaultRequestHeaders.Authorization!.Parameter!, cancellationToken, prefix + "readings", prefix + "alerts")));
        }

        var start = DateTime.UtcNow.AddHours(-1);
        start = new DateTime(start.Year, start.Month, start.Day, start.Hour, start.Minute, 0, DateTimeKind.Utc);
        var names = Enumerable.Range(0, Sensors).Select(Name).ToArray();
        var writers = names.Chunk(Sensors / Writers).Select(some => new WaveWriter(client, some, start) { Pace = TimeSpan.FromMilliseconds(100) }).ToList();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var loading = writers.ConvertAll(w => w.RunAsync(over.Token, cancellationToken));
        var kills = await KillAsync(fleet, cancellationToken);
        await over.CancelAsync();
        await Task.WhenAll(loading);

        await using var connection = new NpgsqlConnection(fleet.Database);
        await connection.OpenAsync(cancellationToken);
        var began = Stopwatch.GetTimestamp();
        await SettleAsync(connection, cancellationToken);
        var settled = Stopwatch.GetElapsedTime(began);
        var acknowledged = writers.SelectMany(w => w.Acknowledged).ToDictionary(a => a.Key, a => a.Value);
        await StoredReadings.JudgeAsync(connection, [acknowledged], goals, cancellationToken);
        Console.WriteLine($"  {kills} processes killed, {acknowledged.Count:N0} readings acknowledged, {writers.Sum(w => w.Repeated):N0} batches sent again, the longest under way {writers.Max(w => w.Longest).TotalSeconds:N1} s");
        Console.WriteLine($"  all was judged and told {settled.TotalSeconds:N1} s after the load; {hooks.Taken.Count:N0} messages taken, {hooks.Refused:N0} refused; {crowd.Count} clients of the stream connected {crowd.Sum(f => f.Watcher.Connections)} times");
        await JudgeAlertsAsync(connection, acknowledged, hooks, goals, cancellationToken);
        foreach (var follower in crowd)
        {
            await JudgeStreamAsync(connection, follower, acknowledged, sensors, goals, cancellationToken);
        }
    }

    private static async Task<Dictionary<Guid, Sensor>> PrepareAsync(HttpClient client, Hooks hooks, CancellationToken cancellationToken)
    {
        var sensors = new Dictionary<Guid, Sensor>();
        var buildings = new List<Guid>();
        for (var building = 0; building < Writers; building++)
        {
            buildings.Add(await Fleet.AddBuildingAsync(client, cancellationToken));
        }

        for (var sensor = 0; sensor < Sensors; sensor++)
        {
            var building = buildings[sensor * Writers / Sensors];
            var id = await Fleet.AddSensorAsync(client, building, Name(sensor), cancellationToken);
            sensors.Add(id, new Sensor(Name(sensor), building));
            if (sensor % (Sensors / Rules) == 0)
            {
                await PrivateStack.PostAsync(client, "/api/v1/citypulse/alerts/rules", new
                {
                    name = Name(sensor), severity = "warning", scope = new { sensorId = id },
                    condition = new Dictionary<string, object> { ["type"] = "threshold", ["operator"] = ">", ["value"] = Limit },
                }, cancellationToken);
            }
        }

        await PrivateStack.PostAsync(
            client, "/api/v1/citypulse/alerts/channels", new { name = "Drill", type = "webhook", url = hooks.Url, minSeverity = "info" }, cancellationToken);
        return sensors;
    }

    private static async Task<int> KillAsync(Fleet fleet, CancellationToken cancellationToken)
    {
        var random = new Random(5);
        // Each at least once, then any.
        Replica[] all = [.. fleet.Apis, .. fleet.Realtimes, fleet.Redis, fleet.Postgres];
        var next = new Queue<Replica>(all.OrderBy(_ => random.Next()));
        var started = Stopwatch.GetTimestamp();
        var kills = 0;
        for (; next.Count > 0 || Stopwatch.GetElapsedTime(started) < Load; kills++)
        {
            await Task.Delay(Between, cancellationToken);
            var victim = next.TryDequeue(out var due) ? due : all[random.Next(all.Length)];
            Console.WriteLine($"  {Stopwatch.GetElapsedTime(started).TotalSeconds,5:N1} s  kill -9 {victim.Name}");
            await victim.KillAsync();
            await victim.StartAsync(cancellationToken);
        }

        return kills;
    }

    /// <summary>Nothing is left to be judged or to be delivered.</summary>
    private static async Task SettleAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        while (await StoredReadings.ScalarAsync(
            connection, "SELECT (SELECT count(*) FROM alert_work) + (SELECT count(*) FROM alert_deliveries WHERE status = 'pending')", cancellationToken) > 0)
        {
            if (Stopwatch.GetElapsedTime(began) > Patience)
            {
                throw new BenchException("Readings were not judged, or alerts not delivered, within three minutes.");
            }

            await Task.Delay(200, cancellationToken);
        }
    }

    private static async Task JudgeAlertsAsync(
        NpgsqlConnection connection, Dictionary<(string Sensor, DateTime At), double> acknowledged, Hooks hooks, Goals goals, CancellationToken cancellationToken)
    {
        var expected = new HashSet<(string, DateTime, DateTime?)>();
        foreach (var sensor in acknowledged.GroupBy(a => a.Key.Sensor).Where(g => int.Parse(g.Key[6..], null) % (Sensors / Rules) == 0))
        {
            DateTime? raised = null;
            foreach (var (key, value) in sensor.OrderBy(a => a.Key.At))
            {
                if (value > Limit)
                {
                    raised ??= key.At;
                }
                else if (raised is { } from)
                {
                    expected.Add((sensor.Key, from, key.At));
                    raised = null;
                }
            }

            if (raised is { } last)
            {
                expected.Add((sensor.Key, last, null));
            }
        }

        var found = new List<(string, DateTime, DateTime?)>();
        var alerts = new Dictionary<Guid, bool>();
        await using var command = new NpgsqlCommand(
            "SELECT a.id, s.external_id, a.raised_at, a.cleared_at FROM alerts a JOIN sensors s ON s.id = a.sensor_id WHERE NOT a.is_withdrawn", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add((reader.GetString(1), reader.GetDateTime(2), reader.IsDBNull(3) ? null : reader.GetDateTime(3)));
            alerts.Add(reader.GetGuid(0), !reader.IsDBNull(3));
        }

        goals.Add(
            $"{expected.Count:N0} episodes, {found.Count:N0} alerts, {found.Count(a => !expected.Contains(a))} of them wrong",
            expected.Count > Rules && found.Count == expected.Count && expected.SetEquals(found));

        var told = hooks.Taken.GroupBy(t => (t.Alert, t.Type)).ToDictionary(g => g.Key, g => g.ToList());
        var due = alerts.SelectMany(a => a.Value ? new[] { (a.Key, "alert.raised"), (a.Key, "alert.cleared") } : [(a.Key, "alert.raised")]).ToList();
        goals.Add(
            $"of {due.Count:N0} events {due.Count(d => !told.ContainsKey(d))} did not reach the receiver",
            due.TrueForAll(told.ContainsKey));
        var twice = told.Values.Count(t => t.Select(m => m.EventId).Distinct().Count() > 1 || t.Select(m => m.Body).Distinct().Count() > 1);
        goals.Add($"{twice} events came under two ids or with two bodies ({told.Values.Sum(t => t.Count - 1)} came again under their own)", twice == 0);
    }

    private static async Task JudgeStreamAsync(
        NpgsqlConnection connection, Follower follower, Dictionary<(string Sensor, DateTime At), double> acknowledged, Dictionary<Guid, Sensor> sensors, Goals goals,
        CancellationToken cancellationToken)
    {
        var watcher = follower.Watcher;
        var whose = follower.Building is { } id ? sensors.Values.Where(s => s.Building == id).Select(s => s.Name).ToHashSet() : null;
        var due = whose is null ? acknowledged : acknowledged.Where(a => whose.Contains(a.Key.Sensor)).ToDictionary();
        var alerts = await StoredReadings.ScalarAsync(
            connection, $"SELECT count(*) FROM outbox WHERE type LIKE 'alert.%' AND '{follower.Alerts}' = ANY (topics)", cancellationToken);
        var isComplete = await StoredReadings.EventuallyAsync(
            () => watcher.Events.Count(e => e.Topic == follower.Alerts) >= alerts && watcher.Readings().Count >= due.Count,
            TimeSpan.FromSeconds(60), cancellationToken);
        var told = watcher.Readings();
        var wrong = told.Count(r => !due.TryGetValue((sensors[r.Key.Sensor].Name, r.Key.At), out var value) || value != r.Value);
        var seen = watcher.Events.Count(e => e.Topic == follower.Alerts);
        goals.Add(
            $"the live stream of {(whose is null ? "the city" : "a building")} told {told.Count:N0} of {due.Count:N0} readings, {wrong} wrong, and {seen:N0} of {alerts:N0} alert events, "
            + $"{watcher.Faults.Count} out of order or with a gap, over {watcher.Connections} connections",
            isComplete && wrong == 0 && told.Count == due.Count && alerts > 0 && seen == alerts && watcher.Faults.Count == 0);
    }

    private static string Name(int sensor) => $"drill-{sensor}";

    private sealed record Sensor(string Name, Guid Building);

    /// <summary>A client of the stream: of the whole city, or of one building.</summary>
    private sealed record Follower(Guid? Building, string Alerts, Watcher Watcher);

    private sealed class Parting(List<Follower> crowd) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (var follower in crowd)
            {
                await follower.Watcher.DisposeAsync();
            }
        }
    }

    /// <summary>Several sensors, a second of each in a batch; their values go up and down, each with a beat of its own.</summary>
    private sealed class WaveWriter(HttpClient client, string[] sensors, DateTime start) : DeviceWriter(client)
    {
        private int _second;

        protected override Dictionary<(string Sensor, DateTime At), double> NextBatch()
        {
            var second = _second++;
            return sensors.Index().ToDictionary(s => (s.Item, start.AddSeconds(second)), s => (second + (7 * s.Index)) % 40 < 20 ? 20.0 + (second % 3) : 40.0 + (second % 3));
        }
    }
}
