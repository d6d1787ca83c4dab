using System.Net;
using System.Net.Http.Json;
using CityPulse.Api.Readings.Retention;
using CityPulse.Api.Readings.Rollups;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Readings.Retention;

public sealed class RetentionTests(TestStores stores)
{
    private const string Route = "/api/v1/citypulse/settings/retention";

    /// <summary>Far ahead, so that what is written today was written long ago.</summary>
    private static readonly DateTimeOffset Now = new(2100, 6, 15, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Old_readings_go_when_nobody_keeps_them_and_their_hours_stay()
    {
        await using var host = await StartAsync();
        await using var database = NpgsqlDataSource.Create(host.ConnectionString);
        var (brief, briefSensor) = await WithMeterAsync(host);
        var (patient, patientSensor) = await WithMeterAsync(host);
        await DecideAsync(brief, 2);
        await DecideAsync(patient, 1200);
        var march = new DateTimeOffset(2020, 3, 31, 20, 0, 0, TimeSpan.Zero);
        var rows = Enumerable.Range(0, 96).Select(i => (march.AddMinutes(15 * i), 0.1 * i)).ToArray();
        foreach (var city in new[] { brief, patient })
        {
            await city.IngestAsync("meter", rows);
        }

        var hours = await HoursAsync(brief, briefSensor);
        var days = await HoursAsync(brief, briefSensor, "1d");

        // One organisation keeps them a hundred years, the other two months.
        await SweepAsync(host, Now);
        (await CountAsync(database, briefSensor)).ShouldBe(0);
        (await CountAsync(database, patientSensor)).ShouldBe(96);
        (await TablesAsync(database)).ShouldContain("readings_2020_03");

        await SweepAsync(host, Now.AddYears(21));
        (await TablesAsync(database)).Where(t => t.StartsWith("readings_2020", StringComparison.Ordinal)).ShouldBeEmpty();
        foreach (var (city, sensor) in new[] { (brief, briefSensor), (patient, patientSensor) })
        {
            (await HoursAsync(city, sensor)).ShouldBe(hours);
            (await HoursAsync(city, sensor, "1d")).ShouldBe(days);
            (await HoursAsync(city, sensor, "15m")).ShouldBeEmpty();
        }

        // A straggler is stored, but the hours of a month that was given up are final.
        await brief.IngestAsync("meter", (march.AddMinutes(1), 1e6));
        (await HoursAsync(brief, briefSensor)).ShouldBe(hours);
        await RefreshAsync(host);
        (await HoursAsync(brief, briefSensor)).ShouldBe(hours);
        (await CountAsync(database, briefSensor)).ShouldBe(1);
        await SweepAsync(host, Now.AddYears(21));
        (await CountAsync(database, briefSensor)).ShouldBe(0);
        (await HoursAsync(brief, briefSensor)).ShouldBe(hours);
    }

    [Fact]
    public async Task What_was_loaded_lately_stays_however_old_it_is()
    {
        await using var host = await StartAsync(graceDays: 30);
        await using var database = NpgsqlDataSource.Create(host.ConnectionString);
        var (city, sensor) = await WithMeterAsync(host);
        await city.IngestAsync("meter", (new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero), 1));
        await SweepAsync(host, TimeProvider.System.GetUtcNow().AddDays(29));
        (await CountAsync(database, sensor)).ShouldBe(1);
        await SweepAsync(host, TimeProvider.System.GetUtcNow().AddDays(31));
        (await CountAsync(database, sensor)).ShouldBe(0);
    }

    [Fact]
    public async Task Dirty_months_are_never_given_up()
    {
        await using var host = await StartAsync();
        await using var database = NpgsqlDataSource.Create(host.ConnectionString);
        var (city, sensor) = await WithMeterAsync(host);
        await city.IngestAsync("meter", (new DateTimeOffset(2020, 1, 5, 0, 0, 0, TimeSpan.Zero), 1));
        await host.Services.GetRequiredService<RetentionSweep>().RunAsync(Now, CancellationToken.None);
        (await CountAsync(database, sensor)).ShouldBe(1);
    }

    [Fact]
    public async Task An_administrator_decides_with_the_version_that_was_read()
    {
        await using var host = await StartAsync();
        var (city, _) = await WithMeterAsync(host);
        using var first = await city.Client.GetAsync(Route);
        var setting = await first.ReadAsync(HttpStatusCode.OK);
        (setting.GetProperty("months").GetInt32(), setting.GetProperty("isDefault").GetBoolean()).ShouldBe((13, true));
        var tag = first.Headers.ETag!.ToString();

        await (await PutAsync(city, new { months = 24 }, null)).ReadProblemAsync((HttpStatusCode)428);
        foreach (var wrong in new object[] { new { months = 0 }, new { months = 1201 }, new { months = "1" }, new { years = 1 } })
        {
            await (await PutAsync(city, wrong, tag)).ReadProblemAsync(HttpStatusCode.BadRequest);
        }

        var decided = await (await PutAsync(city, new { months = 24 }, tag)).ReadAsync(HttpStatusCode.OK);
        (decided.GetProperty("months").GetInt32(), decided.GetProperty("isDefault").GetBoolean()).ShouldBe((24, false));
        await (await PutAsync(city, new { months = 25 }, tag)).ReadProblemAsync(HttpStatusCode.PreconditionFailed);
        var (stranger, _) = await WithMeterAsync(host);
        (await (await stranger.Client.GetAsync(Route)).ReadAsync(HttpStatusCode.OK)).GetProperty("isDefault").GetBoolean().ShouldBeTrue();
    }

    private Task<ApiHost> StartAsync(int graceDays = 0) => ApiHost.StartAsync(stores, settings: new Dictionary<string, string?>(ReadingsApi.Unlimited)
    {
        // The tests make rollups and sweep themselves, at times of their own.
        ["Rollups:Share"] = "0", ["Retention:GraceDays"] = $"{graceDays}", ["Retention:CheckMinutes"] = "10080",
    });

    private static async Task<(City City, Guid Sensor)> WithMeterAsync(ApiHost host)
    {
        var city = await City.RegisterAsync(host.CreateClient());
        return (city, await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", "meter"));
    }

    private static async Task DecideAsync(City city, int months) => await (await PutAsync(city, new { months }, "*")).ReadAsync(HttpStatusCode.OK);

    private static async Task<HttpResponseMessage> PutAsync(City city, object body, string? ifMatch)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, Route) { Content = JsonContent.Create(body) };
        if (ifMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        }

        return await city.Client.SendAsync(request);
    }

    private static async Task RefreshAsync(ApiHost host)
    {
        while (await host.Services.GetRequiredService<RollupRefresh>().StepAsync(CancellationToken.None))
        {
        }
    }

    private static async Task SweepAsync(ApiHost host, DateTimeOffset now)
    {
        await RefreshAsync(host);
        await host.Services.GetRequiredService<RetentionSweep>().RunAsync(now, CancellationToken.None);
    }

    private static async Task<List<string>> HoursAsync(City city, Guid sensor, string resolution = "1h")
    {
        using var response = await city.Client.GetAsync(
            $"/api/v1/citypulse/sensors/{sensor}/readings?resolution={resolution}&from=2020-03-01T00:00:00Z&to=2020-05-01T00:00:00Z");
        return [.. (await response.ReadAsync(HttpStatusCode.OK)).GetProperty("items").EnumerateArray().Select(i => i.ToString())];
    }

    private static async Task<long> CountAsync(NpgsqlDataSource database, Guid sensor)
    {
        await using var command = database.CreateCommand("SELECT count(*) FROM readings WHERE sensor_key = (SELECT key FROM sensors WHERE id = $1)");
        command.Parameters.Add(new NpgsqlParameter { Value = sensor });
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static async Task<string[]> TablesAsync(NpgsqlDataSource database)
    {
        await using var command = database.CreateCommand("SELECT coalesce(array_agg(inhrelid::regclass::text), '{}') FROM pg_inherits WHERE inhparent = 'readings'::regclass");
        return (string[])(await command.ExecuteScalarAsync())!;
    }
}
