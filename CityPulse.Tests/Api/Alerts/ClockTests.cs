using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using CityPulse.Api.Alerts.Domain;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts;

/// <summary>A replica whose clock is wrong.</summary>
public sealed class ClockTests(TestStores stores)
{
    [Theory]
    [InlineData(-3600, -3600)]
    [InlineData(0, 0)]
    [InlineData(5, 5)]
    [InlineData(6, 0)]
    [InlineData(3600, 0)]
    public void A_clock_ahead_of_the_databases_is_not_trusted(int own, int trusted)
    {
        var database = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        AlertClock.Trusted(database.AddSeconds(own), database, TimeSpan.FromSeconds(5)).ShouldBe(database.AddSeconds(trusted));
    }

    [Fact]
    public async Task An_hour_ahead_it_finds_the_silent_sensor_silent_and_no_other()
    {
        var ahead = new ShiftedClock();
        ahead.Advance(TimeSpan.FromHours(1));
        await using var api = await ApiHost.StartAsync(
            stores, settings: [new("Alerts:TickSeconds", "0.1")], services: s => s.Replace(ServiceDescriptor.Singleton<TimeProvider>(ahead)));
        var city = await City.RegisterAsync(api.CreateClient());
        var building = await city.CreateBuildingAsync();
        foreach (var name in new[] { "speaks", "silent" })
        {
            var sensor = await city.CreateSensorAsync(building, "temperature", name);
            using var rule = await city.Client.PostAsJsonAsync(AlertsApi.Rules, AlertsApi.Rule(sensor, new { type = "no_data", afterSeconds = 600 }));
            await rule.ReadAsync(HttpStatusCode.Created);
            await city.IngestAsync(name, (TimeProvider.System.GetUtcNow().AddMinutes(name == "silent" ? -20 : 0), 20));
        }

        await Eventually.TrueAsync(async () => (await AlertsAsync(city)).Count > 0, "the silent one is noticed");
        await using var database = NpgsqlDataSource.Create(api.ConnectionString);
        await using var waiting = database.CreateCommand("SELECT count(*) FROM alert_work");
        await Eventually.TrueAsync(async () => await waiting.ExecuteScalarAsync() is 0L, "all work is judged");
        (await AlertsAsync(city)).ShouldHaveSingleItem();
    }

    private static async Task<List<JsonElement>> AlertsAsync(City city)
    {
        using var answer = await city.Client.GetAsync(AlertsApi.Route);
        return [.. (await answer.ReadAsync(HttpStatusCode.OK)).GetProperty("items").EnumerateArray()];
    }
}
