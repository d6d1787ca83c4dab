using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Energy;

/// <summary>Meters of the field (and four simulated ones) over the API, quirks and all, against an independent reading of their files.</summary>
public sealed class MeterFileTests(EnergyApiFixture fixture) : IClassFixture<EnergyApiFixture>
{
    private const double FloorAreaM2 = 120;

    public static TheoryData<string> Names => [.. MeterFile.All.Select(m => m.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_meter_gives_the_energy_of_its_file(string name)
    {
        var meter = MeterFile.Named(name);
        var city = await City.RegisterAsync(fixture.Api.CreateClient());
        var house = await city.CreateBuildingAsync(name, meter.Zone, new { floorAreaM2 = FloorAreaM2 });
        await city.CreateSensorAsync(house, meter.Quantity, "m", new { kind = "delta", unit = meter.Unit, intervalSeconds = meter.IntervalSeconds });

        var rows = meter.Rows();
        var (accepted, duplicates, rejected) = await MeterFile.IngestAsync(city, "m", rows);
        rejected.ShouldBe(rows.Count(r => r.Value is null));
        accepted.ShouldBe(rows.Where(r => r.Value is not null).Select(r => r.At).Distinct().Count());
        duplicates.ShouldBe(rows.Count - accepted - rejected);

        // The last bill ends where its nominal length says, as nothing follows it.
        var intervals = meter.Intervals().ToList();
        intervals[^1] = intervals[^1] with { To = intervals[^1].From.AddSeconds(meter.IntervalSeconds) };
        var (from, to) = (intervals[0].From, intervals[^1].To);
        var hours = (to - from).TotalHours;
        var sum = intervals.Sum(i => i.KWh);
        var peak = intervals.Max(i => i.KWh / (i.To - i.From).TotalHours);

        var answer = await GetAsync(city, $"/api/v1/citypulse/energy?buildingId={house}&from={Text(from)}&to={Text(to)}&resolution=1d");
        var totals = answer.GetProperty("totals");
        Close(totals.GetProperty("kwh").GetDouble(), sum);
        Close(answer.GetProperty("items").EnumerateArray().Sum(i => i.GetProperty("kwh").GetDouble()), sum);
        Close(totals.GetProperty("peakKw").GetDouble(), peak);
        Close(totals.GetProperty("loadFactor").GetDouble(), sum / (peak * hours));
        Close(totals.GetProperty("euiKwhPerM2Year").GetDouble(), sum / FloorAreaM2 * 8760 / hours);
        Close(totals.GetProperty("coverage").GetDouble(), intervals.Sum(i => (i.To - i.From).TotalHours) / hours);
        totals.GetProperty("quarantined").GetInt32().ShouldBe(0);
        var peakAt = totals.GetProperty("peakAt").GetDateTimeOffset();
        var highest = intervals.First(i => i.From <= peakAt && peakAt < i.To);
        Close(highest.KWh / (highest.To - highest.From).TotalHours, peak);

        // Half of the period and the other half are the whole.
        var middle = Text(from + ((to - from) / 2));
        Close(await KWhAsync(Text(from), middle) + await KWhAsync(middle, Text(to)), sum);

        async Task<double> KWhAsync(string a, string b) =>
            (await GetAsync(city, $"/api/v1/citypulse/energy?buildingId={house}&from={a}&to={b}&resolution=1mo")).GetProperty("totals").GetProperty("kwh").GetDouble();
    }

    [Fact]
    public async Task A_local_day_of_a_daily_meter_has_its_own_energy_when_the_clocks_change()
    {
        var meter = MeterFile.Named("il-electricity-cdd-hdd-daily");
        var city = await City.RegisterAsync(fixture.Api.CreateClient());
        var house = await city.CreateBuildingAsync("House", meter.Zone);
        await city.CreateSensorAsync(house, meter.Quantity, "m", new { kind = "delta", intervalSeconds = meter.IntervalSeconds });
        await MeterFile.IngestAsync(city, "m", meter.Rows());
        var expected = meter.Intervals().ToDictionary(i => i.From, i => i.KWh);

        foreach (var (from, to) in new[] { ("2016-03-11T06:00:00Z", "2016-03-16T05:00:00Z"), ("2016-11-04T05:00:00Z", "2016-11-09T06:00:00Z") })
        {
            var items = (await GetAsync(city, $"/api/v1/citypulse/energy?buildingId={house}&from={from}&to={to}")).GetProperty("items").EnumerateArray().ToList();
            items.Count.ShouldBe(5);
            foreach (var item in items)
            {
                Close(item.GetProperty("kwh").GetDouble(), expected[item.GetProperty("at").GetDateTimeOffset()]);
                item.GetProperty("coverage").GetDouble().ShouldBe(1);
            }
        }
    }

    private static void Close(double actual, double expected) => actual.ShouldBe(expected, 1e-9 * Math.Abs(expected));

    private static string Text(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<JsonElement> GetAsync(City city, string path)
    {
        using var response = await city.Client.GetAsync(path);
        return await response.ReadAsync(HttpStatusCode.OK);
    }
}
