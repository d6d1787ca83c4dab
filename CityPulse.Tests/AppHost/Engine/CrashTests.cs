using System.Net;
using System.Net.Http.Json;
using CityPulse.Tests.Realtime;
using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.AppHost.Engine;

/// <summary>kill -9 for any process while readings come in: it comes back, what was acknowledged is there once, the live stream has no hole.</summary>
[Collection(StackCollection.Name)]
public sealed class CrashTests(StackFixture stack)
{
    private const int BatchSize = 50;
    private const int BatchesAfterward = 5;

    [Theory]
    [InlineData("api")]
    [InlineData("realtime")]
    [InlineData("aigateway")]
    [InlineData("redis")]
    [InlineData("postgres")]
    [InlineData("api,postgres")]
    public async Task A_killed_process_loses_nothing_that_was_acknowledged(string resources)
    {
        var city = await City.RegisterAsync(stack.CreateEdgeClient());
        var sensor = await city.CreateSensorAsync(await city.CreateBuildingAsync(), externalId: "meter");
        var topic = $"sensors/{sensor}/readings";
        await using var live = new ResumingClient(stack.Door, city.AccessToken, topic);
        await live.ConnectAsync();

        var writer = new Writer(city.Client, "meter");
        await writer.WriteAsync(batches: BatchesAfterward);
        var killed = Task.WhenAll(resources.Split(',').Select(resource => stack.App.KillResourceAsync(resource)));
        await writer.WriteAsync(batches: BatchesAfterward);
        await killed;
        foreach (var service in new[] { "api", "realtime", "aigateway" })
        {
            await stack.ReadyAsync(service);
        }

        await writer.WriteAsync(batches: BatchesAfterward);

        (await StoredAsync(sensor)).ShouldBe(writer.Acknowledged);
        await ShouldAnswerHoursAsync(city, sensor, writer.Acknowledged);
        await Eventually.TrueAsync(() => IsCleanAsync(sensor), "the rollups are made", TimeSpan.FromSeconds(60));
        await ShouldAnswerHoursAsync(city, sensor, writer.Acknowledged);
        await Eventually.TrueAsync(() => live.CatchUpAsync(writer.Acknowledged.Count), "the live stream has told every reading", TimeSpan.FromSeconds(60));
        live.Values.ShouldBe(writer.Acknowledged);
    }

    /// <summary>The readings are minutes that count up, so an hour is known without looking.</summary>
    private static async Task ShouldAnswerHoursAsync(City city, Guid sensor, IReadOnlyList<double> values)
    {
        using var answer = await city.Client.GetAsync($"/api/v1/citypulse/sensors/{sensor}/readings?resolution=1h&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z");
        (await answer.ReadAsync(HttpStatusCode.OK)).GetProperty("items").EnumerateArray()
            .Select(i => (i.GetProperty("count").GetInt32(), i.GetProperty("sum").GetDouble(), i.GetProperty("last").GetDouble()))
            .ShouldBe(values.Chunk(60).Select(hour => (hour.Length, hour.Sum(), hour[^1])));
    }

    private async Task<bool> IsCleanAsync(Guid sensor)
    {
        await using var connection = await ConnectAsync();
        await using var select = new NpgsqlCommand(
            "SELECT NOT EXISTS (SELECT 1 FROM rollup_dirty WHERE sensor_key = s.key) FROM sensors s WHERE s.id = $1", connection)
        {
            Parameters = { new() { Value = sensor } },
        };
        return (bool)(await select.ExecuteScalarAsync())!;
    }

    private async Task<NpgsqlConnection> ConnectAsync()
    {
        // Not from the pool: a connection there may have died with the server.
        var connection = new NpgsqlConnection(await stack.App.GetConnectionStringAsync("citydb", CancellationToken.None) + ";Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    private async Task<List<double>> StoredAsync(Guid sensor)
    {
        await using var connection = await ConnectAsync();
        await using var select = new NpgsqlCommand(
            "SELECT r.value FROM readings r JOIN sensors s ON s.key = r.sensor_key WHERE s.id = $1 ORDER BY r.observed_at", connection)
        {
            Parameters = { new() { Value = sensor } },
        };
        await using var reader = await select.ExecuteReaderAsync();
        var values = new List<double>();
        while (await reader.ReadAsync())
        {
            values.Add(reader.GetDouble(0));
        }

        return values;
    }

    /// <summary>A device that sends a batch again until it is acknowledged, as devices do.</summary>
    private sealed class Writer(HttpClient client, string sensor)
    {
        private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public List<double> Acknowledged { get; } = [];

        public async Task WriteAsync(int batches)
        {
            for (var batch = 0; batch < batches; batch++)
            {
                var first = Acknowledged.Count;
                var readings = Enumerable.Range(first, BatchSize).Select(i => new { sensor, at = Start.AddMinutes(i), value = (double)i }).ToArray();
                await Eventually.TrueAsync(() => TrySendAsync(new { readings }), $"batch at {first} is acknowledged", TimeSpan.FromSeconds(60));
                Acknowledged.AddRange(readings.Select(r => r.value));
            }
        }

        private async Task<bool> TrySendAsync(object body)
        {
            try
            {
                using var answer = await client.PostAsJsonAsync("/api/v1/citypulse/sensors/readings", body);
                answer.StatusCode.ShouldNotBe(HttpStatusCode.BadRequest);
                return answer.StatusCode == HttpStatusCode.OK;
            }
            catch (HttpRequestException)
            {
                // The process was killed under this request: the batch is sent again, and may have been stored already.
                return false;
            }
        }
    }

    /// <summary>A client of the live stream that connects again and resumes with the last id it saw.</summary>
    private sealed class ResumingClient(Uri door, string token, string topic) : IAsyncDisposable
    {
        private LiveClient? _client;
        private string? _last;

        public List<double> Values { get; } = [];

        public async Task ConnectAsync()
        {
            _client = await LiveClient.ConnectAsync(door, token);
            var subscribed = await _client.SubscribeAsync([topic], _last);
            subscribed.GetProperty("gap").GetBoolean().ShouldBeFalse();
            _last ??= subscribed.GetProperty("lastId").GetString();
        }

        /// <summary>Takes what has come; true when there are as many readings as wanted.</summary>
        public async Task<bool> CatchUpAsync(int wanted)
        {
            try
            {
                if (_client is null)
                {
                    await ConnectAsync();
                }

                while (_client!.TryNext(out var told))
                {
                    _last = told.GetProperty("id").GetString();
                    Values.AddRange(told.GetProperty("data").EnumerateArray().Select(reading => reading.GetProperty("value").GetDouble()));
                }

                if (_client.Hub.State == Microsoft.AspNetCore.SignalR.Client.HubConnectionState.Disconnected)
                {
                    await DisposeAsync();
                }
            }
            catch (Exception e) when (e is HttpRequestException or Microsoft.AspNetCore.SignalR.HubException or System.Net.WebSockets.WebSocketException)
            {
                // Not up again yet: the next call tries again.
                await DisposeAsync();
            }

            return Values.Count >= wanted;
        }

        public async ValueTask DisposeAsync()
        {
            if (_client is { } client)
            {
                _client = null;
                await client.DisposeAsync();
            }
        }
    }
}
