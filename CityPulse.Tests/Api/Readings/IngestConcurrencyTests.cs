using System.Net;
using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Readings;

public sealed class IngestConcurrencyTests(OwnReadingsApi api) : IClassFixture<OwnReadingsApi>
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Overlapping_batches_at_once_lose_nothing_and_count_exactly()
    {
        const int writers = 6;
        const int rounds = 4;
        const int times = 400;
        var city = await api.RegisterAsync();
        var building = await city.CreateBuildingAsync();
        var sensors = new List<Guid>();
        for (var i = 0; i < 5; i++)
        {
            sensors.Add(await city.CreateSensorAsync(building, "temperature", $"s{i}"));
        }

        var answers = await Task.WhenAll(Enumerable.Range(0, writers).Select(async writer =>
        {
            var total = (Accepted: 0, Updated: 0, Duplicates: 0, Rejected: 0);
            var random = new Random(writer);
            for (var round = 0; round < rounds; round++)
            {
                // The same readings by every writer, in another order each, and from the middle on with another value.
                var rows = sensors.SelectMany((_, s) => Enumerable.Range(0, times).Select(t => ($"s{s}", Start.AddMinutes(t).ToString("O"), t < times / 2 ? t : writer + (1000.0 * t))))
                    .OrderBy(_ => random.Next()).ToArray();
                var counts = ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, ReadingsApi.Json(rows))).ReadAsync(HttpStatusCode.OK));
                (counts.Accepted + counts.Updated + counts.Duplicates + counts.Rejected).ShouldBe(rows.Length);
                total = (total.Accepted + counts.Accepted, total.Updated + counts.Updated, total.Duplicates + counts.Duplicates, total.Rejected + counts.Rejected);
            }

            return total;
        }));

        answers.Sum(a => a.Accepted).ShouldBe(sensors.Count * times);
        answers.Sum(a => a.Rejected).ShouldBe(0);
        // The half on which all agree is never updated.
        answers.Sum(a => a.Duplicates).ShouldBeGreaterThanOrEqualTo(((writers * rounds) - 1) * sensors.Count * times / 2);
        foreach (var sensor in sensors)
        {
            var stored = await api.StoredAsync(sensor);
            stored.Select(r => r.At).ShouldBe(Enumerable.Range(0, times).Select(t => Start.AddMinutes(t).UtcDateTime));
            stored.Take(times / 2).Select(r => r.Value).ShouldBe(Enumerable.Range(0, times / 2).Select(t => (double)t));
            stored.Skip(times / 2).Select((r, i) => r.Value - (1000.0 * (i + (times / 2)))).ShouldAllBe(w => w >= 0 && w < writers);
        }
    }

    [Fact]
    public async Task What_was_answered_with_200_survives_broken_connections()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        using var stop = new CancellationTokenSource();
        var killer = KillConnectionsAsync(stop.Token);
        var answered = new List<int>();
        for (var batch = 0; batch < 40; batch++)
        {
            var rows = Enumerable.Range(batch * 500, 500).Select(i => ("meter", Start.AddSeconds(i).ToString("O"), (double)i));
            var response = await ReadingsApi.PostAsync(city, ReadingsApi.Json(rows));
            if (response.StatusCode == HttpStatusCode.OK)
            {
                var counts = ReadingsApi.Counts(await response.ReadAsync(HttpStatusCode.OK));
                (counts.Accepted + counts.Duplicates).ShouldBe(500);
                answered.Add(batch);
            }
            else
            {
                ((int)response.StatusCode).ShouldBeGreaterThanOrEqualTo(500, await response.Content.ReadAsStringAsync());
            }
        }

        await stop.CancelAsync();
        await killer;
        var stored = (await api.StoredAsync(sensor)).Select(r => (int)r.Value).ToHashSet();
        answered.ShouldNotBeEmpty();
        answered.SelectMany(b => Enumerable.Range(b * 500, 500)).ShouldAllBe(i => stored.Contains(i));
        (stored.Count % 500).ShouldBe(0, "a batch is stored as a whole or not at all");
    }

    [Fact]
    public async Task Many_batches_that_need_the_same_new_months_make_them_once()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var batches = Enumerable.Range(0, 12).Select(b => ReadingsApi.Json(
            Enumerable.Range(0, 30).Select(m => ("meter", Start.AddMonths(-m - 100).AddSeconds(b).ToString("O"), 1.0 * b))));
        var answers = await Task.WhenAll(batches.Select(b => ReadingsApi.PostAsync(city, b)));
        foreach (var answer in answers)
        {
            ReadingsApi.Counts(await answer.ReadAsync(HttpStatusCode.OK)).ShouldBe((30, 0, 0, 0));
        }

        (await api.StoredAsync(sensor)).Count.ShouldBe(360);
    }

    private async Task KillConnectionsAsync(CancellationToken stop)
    {
        await using var connection = new NpgsqlConnection(api.Host.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(CancellationToken.None);
        while (!stop.IsCancellationRequested)
        {
            await using var kill = new NpgsqlCommand(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'", connection);
            await kill.ExecuteNonQueryAsync(CancellationToken.None);
            await Task.Delay(TimeSpan.FromMilliseconds(30), CancellationToken.None);
        }
    }
}
