using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using CityPulse.Api.Readings;
using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Api.Readings.Retention;
using CityPulse.Api.Readings.Rollups;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Readings.Rollups;

/// <summary>Whatever happens to the readings, and whenever one asks: every resolution is the aggregate of the rows that are stored.</summary>
public sealed class RollupExactnessTests(TestStores stores)
{
    private const int Writers = 4;
    private const int Steps = 25;
    private const int BatchSize = 1000;
    private static readonly DateTimeOffset Start = new(2025, 10, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset End = new(2026, 4, 15, 0, 0, 0, TimeSpan.Zero);
    private static readonly string[] Zones = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Adelaide"];

    [Fact]
    public async Task Every_resolution_is_the_aggregate_of_the_readings_through_anything_that_happens_to_them()
    {
        // The worker runs as fast as it can beside writers and readers, and the grace of fresh months is off.
        await using var host = await ApiHost.StartAsync(stores, settings: new Dictionary<string, string?>(ReadingsApi.Unlimited)
        {
            ["Rollups:DelaySeconds"] = "0", ["Rollups:Share"] = "1", ["Rollups:ReadingsAtOnce"] = "5000", ["Retention:GraceDays"] = "0",
            ["Retention:Months"] = "1200",
        });
        await using var database = NpgsqlDataSource.Create(host.ConnectionString);
        var city = await City.RegisterAsync(host.CreateClient());
        var series = await SeriesAsync(city, database);
        var random = new Random(20261128);
        var total = 0;
        for (var step = 0; step < Steps; step++)
        {
            var batches = Enumerable.Range(0, Writers).Select(writer => Batch(series, step, writer, random)).ToList();
            var asking = AskAsync(host, series, random.Next());
            await Task.WhenAll(batches.Select(batch => SendAsync(city, batch)));
            await asking;
            foreach (var (s, at, value) in batches.SelectMany(b => b))
            {
                s.Reference.Write(at, value);
            }

            total += batches.Sum(b => b.Count);
            await DisturbAsync(host, city, database, series, step);
            var (from, to) = (Start.AddMinutes(random.Next(100_000)), End.AddMinutes(-random.Next(100_000)));
            foreach (var s in series)
            {
                await CompareAsync(host, s, from, to, random);
            }
        }

        total.ShouldBe(100_000);
        var refresh = host.Services.GetRequiredService<RollupRefresh>();
        await Eventually.TrueAsync(async () => !await refresh.StepAsync(CancellationToken.None) && await CountAsync(database, "rollup_dirty") == 0, "nothing is dirty");
        foreach (var s in series)
        {
            await CompareAsync(host, s, Start, End, random);
        }

        // Nothing but rollups can have given that last answer for the months that were given up.
        (await CountAsync(database, "reading_months WHERE is_sealed")).ShouldBeGreaterThan(0);
        (await CountAsync(database, "rollups")).ShouldBeGreaterThan(1000);
    }

    private sealed record Series(string Name, int Key, Guid Building, ReferenceStore Reference);

    private static async Task<List<Series>> SeriesAsync(City city, NpgsqlDataSource database)
    {
        var series = new List<Series>();
        foreach (var zone in Zones)
        {
            var building = await city.CreateBuildingAsync(zone, zone);
            var id = await city.CreateSensorAsync(building, "temperature", zone);
            await using var command = database.CreateCommand("SELECT key FROM sensors WHERE id = $1");
            command.Parameters.Add(new NpgsqlParameter { Value = id });
            series.Add(new Series(zone, (int)(await command.ExecuteScalarAsync())!, building, new ReferenceStore(zone)));
        }

        return series;
    }

    /// <summary>
    /// Readings as time goes on, late ones, and corrections. Each writer has instants of its own, so that it does not matter which of two
    /// that write at once comes last.
    /// </summary>
    private static List<(Series Series, DateTimeOffset At, double Value)> Batch(List<Series> series, int step, int writer, Random random)
    {
        var rows = new Dictionary<(Series, DateTimeOffset), double>();
        var (span, front) = (End - Start, (End - Start) * ((step + 1.0) / Steps));
        while (rows.Count < BatchSize)
        {
            var s = series[random.Next(series.Count)];
            var kind = random.Next(10);
            var at = kind < 6 ? Start + front - (span / Steps * random.NextDouble())
                : kind < 8 || s.Reference.Times.Count == 0 ? Start + (front * random.NextDouble())
                : s.Reference.Times.ElementAt(random.Next(Math.Min(s.Reference.Times.Count, 500)));
            at = new DateTimeOffset(at.UtcTicks - (at.UtcTicks % (Writers * TimeSpan.TicksPerMillisecond)) + (writer * TimeSpan.TicksPerMillisecond), TimeSpan.Zero);
            rows[(s, at)] = (random.NextDouble() - 0.3) * Math.Pow(10, random.Next(-3, 7));
        }

        return [.. rows.Select(r => (r.Key.Item1, r.Key.Item2, r.Value))];
    }

    private static async Task SendAsync(City city, List<(Series Series, DateTimeOffset At, double Value)> batch)
    {
        using var answer = await city.Client.PostAsJsonAsync(
            ReadingsApi.Ingest, new { readings = batch.Select(r => new { sensor = r.Series.Name, at = r.At, value = r.Value }) });
        var counts = ReadingsApi.Counts(await answer.ReadAsync(HttpStatusCode.OK));
        (counts.Accepted + counts.Updated + counts.Duplicates).ShouldBe(batch.Count);
    }

    /// <summary>While writers write, an answer is that of some moment: coarse and fine buckets of one snapshot cannot be compared, but each is whole.</summary>
    private static async Task AskAsync(ApiHost host, List<Series> series, int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 4; i++)
        {
            var s = series[random.Next(series.Count)];
            var buckets = await BucketsAsync(host, s, "1h", Start, End, descending: random.Next(2) == 0);
            buckets.ShouldAllBe(b => b.Count > 0 && b.Min <= b.Max);
            buckets.Select(b => b.At).Distinct().Count().ShouldBe(buckets.Count);
        }
    }

    /// <summary>What else can happen: readings are given up, buildings get other time zones, sensors other intervals.</summary>
    private static async Task DisturbAsync(ApiHost host, City city, NpgsqlDataSource database, List<Series> series, int step)
    {
        switch (step % 5)
        {
            case 1:
                await PatchAsync(city, $"/api/v1/citypulse/buildings/{series[0].Building}", new { timeZone = series[0].Reference.TimeZone = Zones[step % 4] });
                break;
            case 2:
                await using (var change = database.CreateCommand("UPDATE sensors SET interval_seconds = interval_seconds + 60"))
                {
                    await change.ExecuteNonQueryAsync();
                }

                break;
            case 3 when step > 10:
                await GiveUpAsync(host, database, series[1], step);
                break;
            case 4 when step > 10:
                // The worker may have left off in the middle of its work, and its process ended: nothing of that step counts.
                await using (var kill = database.CreateCommand(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE '%rollup%' AND pid <> pg_backend_pid() AND datname = current_database()"))
                {
                    await kill.ExecuteNonQueryAsync();
                }

                break;
        }
    }

    private static async Task PatchAsync(City city, string path, object patch)
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, path) { Content = JsonContent.Create(patch) };
        request.Headers.IfMatch.Add(EntityTagHeaderValue.Any);
        using var answer = await city.Client.SendAsync(request);
        await answer.ReadAsync(HttpStatusCode.OK);
    }

    /// <summary>One sensor's organisation keeps less than the others: its oldest months go, as soon as they are clean.</summary>
    private static async Task GiveUpAsync(ApiHost host, NpgsqlDataSource database, Series series, int step)
    {
        // Seen from far ahead, so that what was written today counts as written long ago.
        var now = new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var cutoff = Start.AddMonths((step - 8) / 5);
        var kept = ((now.Year - cutoff.Year) * 12) + now.Month - cutoff.Month;
        await ExecuteAsync($"UPDATE reading_series SET keep_months = {kept} WHERE sensor_key = {series.Key}");
        var sweep = host.Services.GetRequiredService<RetentionSweep>();
        await Eventually.TrueAsync(
            async () =>
            {
                await sweep.RunAsync(now, CancellationToken.None);
                return await CountAsync(database, $"readings WHERE sensor_key = {series.Key} AND observed_at < '{cutoff:O}'") == 0;
            },
            "the oldest months are given up");
        series.Reference.GiveUp(cutoff);

        async Task ExecuteAsync(string sql)
        {
            await using var command = database.CreateCommand(sql);
            await command.ExecuteNonQueryAsync();
        }
    }

    private static async Task CompareAsync(ApiHost host, Series series, DateTimeOffset from, DateTimeOffset to, Random random)
    {
        foreach (var (resolution, days) in new[] { ("1d", 400), ("1h", 400), ("15m", 30), ("1m", 5) })
        {
            // The shorter buckets over a window: all of them would be too many.
            var since = days > 300 ? from : Start.AddDays(random.Next(180));
            var until = days > 300 ? to : since.AddDays(days);
            var descending = random.Next(2) == 0;
            var buckets = await BucketsAsync(host, series, resolution, since, until, descending);
            if (descending)
            {
                buckets.Reverse();
            }

            ShouldBeSame(buckets, series.Reference.Buckets(resolution, since, until), $"{resolution} of {series.Name} in {series.Reference.TimeZone}");
        }

        var reader = host.Services.GetRequiredService<ReadingReader>();
        var week = from.AddDays(random.Next(150));
        var raw = await reader.ReadAsync(series.Key, new Span(Micro(week), Micro(week.AddDays(7))), false, null, CancellationToken.None)
            .Select(r => (r.At, r.Value)).ToListAsync();
        ShouldBeSame(raw, series.Reference.Raw(week, week.AddDays(7)), $"readings of {series.Name}");
    }

    /// <summary>Long lists are looked at closely only when they differ.</summary>
    private static void ShouldBeSame<T>(List<T> actual, List<T> expected, string what)
    {
        if (!actual.SequenceEqual(expected))
        {
            actual.ShouldBe(expected, what);
        }
    }

    private static async Task<List<ReferenceBucket>> BucketsAsync(
        ApiHost host, Series series, string resolution, DateTimeOffset from, DateTimeOffset to, bool descending)
    {
        var clock = new BucketClock(Resolutions.Parse(resolution, to - from)!.Value, TimeZoneInfo.FindSystemTimeZoneById(series.Reference.TimeZone));
        return await host.Services.GetRequiredService<ReadingReader>()
            .ReadBucketsAsync(series.Key, new Span(Micro(from), Micro(to)), clock, descending, CancellationToken.None)
            .Select(b => new ReferenceBucket(Timestamp.ToDateTimeOffset(b.Start), b.Sum, b.Min, b.Max, b.Count, b.First, b.Last)).ToListAsync();
    }

    private static async Task<long> CountAsync(NpgsqlDataSource database, string rows)
    {
        await using var command = database.CreateCommand($"SELECT count(*) FROM {rows}");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static long Micro(DateTimeOffset time) => Timestamp.FromDateTimeOffset(time);
}
