using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using Npgsql;

namespace CityPulse.Bench;

/// <summary>
/// A rolling upgrade and the way back, under load: the version before, then both side by side on the schema of this one, then this one
/// alone, then the old one again on the new schema. No request may fail, and all that was acknowledged is there.
/// </summary>
internal sealed class UpgradeDrill(BenchOptions options, Goals goals)
{
    private static readonly TimeSpan PhaseLength = TimeSpan.FromSeconds(5);
    private static readonly DateTime Start = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var from = options.From ?? "HEAD~1";
        Console.WriteLine($"upgrade: building {from} …");
        await using var before = await OtherVersion.BuildAsync(from, "CityPulse.Api", cancellationToken);
        Dictionary<string, string> settings = new() { ["Shutdown__DrainSeconds"] = "1" };
        await using var stack = await PrivateStack.StartAsync(cancellationToken, settings, before.Folder);
        using var client = await stack.RegisterAsync(cancellationToken);
        var building = await PrivateStack.PostAsync(client, "/api/v1/citypulse/buildings",
            new { name = "Upgrade", use = "office", timeZone = "Europe/Berlin", floorAreaM2 = 1000 }, cancellationToken);
        await PrivateStack.PostAsync(client, "/api/v1/citypulse/sensors",
            new { buildingId = building.GetProperty("id").GetGuid(), quantity = "temperature", name = "Upgrade", externalId = "upgrade" }, cancellationToken);

        var load = new Load(client, building.GetProperty("id").GetGuid());
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        load.Into(stack.Address);
        var loading = Enumerable.Range(0, options.Writers).Select(writer => load.RunAsync(writer, over.Token)).ToList();
        await PhaseAsync($"{before.Commit} alone", load, cancellationToken);

        var oldMigrations = await ScalarAsync(stack, """SELECT count(*) FROM "__EFMigrationsHistory" """, cancellationToken);
        var (fresh, freshAddress) = await stack.StartAnotherApiAsync(settings, cancellationToken);
        var migrations = await ScalarAsync(stack, """SELECT count(*) FROM "__EFMigrationsHistory" """, cancellationToken) - oldMigrations;
        load.Into(stack.Address, freshAddress);
        await PhaseAsync($"both, after {migrations} migrations", load, cancellationToken);

        load.Into(freshAddress);
        await stack.Api.StopAsync();
        await PhaseAsync("this version alone", load, cancellationToken);

        var (_, backAddress) = await stack.StartAnotherApiAsync(settings, cancellationToken, before.Folder);
        load.Into(backAddress);
        await fresh.StopAsync();
        await PhaseAsync($"{before.Commit} again, on the new schema", load, cancellationToken);

        await over.CancelAsync();
        await Task.WhenAll(loading);
        await JudgeAsync(stack, load, cancellationToken);
    }

    private static async Task PhaseAsync(string name, Load load, CancellationToken cancellationToken)
    {
        var (done, failed) = (load.Done, load.Failures.Count);
        var started = Stopwatch.GetTimestamp();
        await Task.Delay(PhaseLength, cancellationToken);
        Console.WriteLine($"  {name}: {load.Done - done:N0} requests in {Stopwatch.GetElapsedTime(started).TotalSeconds:N1} s, {load.Failures.Count - failed} failed");
    }

    private async Task JudgeAsync(PrivateStack stack, Load load, CancellationToken cancellationToken)
    {
        foreach (var failure in load.Failures.Distinct().Take(5))
        {
            Console.WriteLine($"  failed: {failure}");
        }

        var stored = await ScalarAsync(stack, "SELECT count(*) FROM readings", cancellationToken);
        var started = Stopwatch.GetTimestamp();
        while (await ScalarAsync(stack, "SELECT count(*) FROM outbox WHERE position IS NULL", cancellationToken) > 0 && Stopwatch.GetElapsedTime(started).TotalSeconds < 10)
        {
            await Task.Delay(100, cancellationToken);
        }

        var lost = await ScalarAsync(
            stack, "SELECT count(*) FILTER (WHERE position IS NULL) + max(position) - min(position) + 1 - count(position) FROM outbox", cancellationToken);
        goals.Add($"of {load.Done:N0} requests {load.Failures.Count} failed while versions changed and changed back", load.Failures.IsEmpty && load.Done > 0);
        goals.Add($"of {load.Acknowledged:N0} acknowledged readings {load.Acknowledged - stored} missing", stored == load.Acknowledged && stored > 0);
        goals.Add($"{lost} events without a place, or places without an event", lost == 0);
    }

    private static async Task<long> ScalarAsync(PrivateStack stack, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(stack.Database + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Stores, changes and reads, in turns at all addresses, as a balancer before them would.</summary>
    private sealed class Load(HttpClient client, Guid building)
    {
        private long _done;
        private long _acknowledged;
        private int _next;
        private volatile Uri[] _addresses = [];

        public ConcurrentQueue<string> Failures { get; } = [];

        public long Done => Interlocked.Read(ref _done);

        public long Acknowledged => Interlocked.Read(ref _acknowledged);

        /// <summary>Requests that are under way go on where they are.</summary>
        public void Into(params Uri[] addresses) => _addresses = addresses;

        public async Task RunAsync(int writer, CancellationToken over)
        {
            for (var i = 0; !over.IsCancellationRequested; i++)
            {
                var addresses = _addresses;
                var address = addresses[i % addresses.Length];
                await TryAsync(address, HttpMethod.Post, "sensors/readings", Batch());
                await TryAsync(address, HttpMethod.Get, "readings/latest", null);
                await TryAsync(address, HttpMethod.Get, $"buildings/{building}", null);
                await TryAsync(address, HttpMethod.Post, "buildings", JsonContent.Create(new { name = $"Building {writer} {i}", use = "office", timeZone = "UTC", floorAreaM2 = 10 }));
            }
        }

        private StringContent Batch()
        {
            var csv = new StringBuilder("sensor,at,value\n");
            for (var row = 0; row < 10; row++)
            {
                csv.Append(System.Globalization.CultureInfo.InvariantCulture, $"upgrade,{Start.AddSeconds(Interlocked.Increment(ref _next)):yyyy-MM-ddTHH:mm:ssZ},{row}\n");
            }

            return new StringContent(csv.ToString(), Encoding.UTF8, "text/csv");
        }

        private async Task TryAsync(Uri address, HttpMethod method, string path, HttpContent? body)
        {
            try
            {
                using var request = new HttpRequestMessage(method, new Uri(address, $"/api/v1/citypulse/{path}")) { Content = body };
                using var answer = await client.SendAsync(request);
                if (!answer.IsSuccessStatusCode)
                {
                    Failures.Enqueue($"{method} {path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
                }
                else if (body is StringContent)
                {
                    Interlocked.Add(ref _acknowledged, 10);
                }
            }
            catch (HttpRequestException e)
            {
                Failures.Enqueue($"{method} {path}: {e.Message}");
            }

            Interlocked.Increment(ref _done);
        }
    }
}
