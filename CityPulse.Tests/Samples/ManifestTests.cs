using System.Globalization;
using CityPulse.Api.Buildings;
using CityPulse.Api.Sensors;
using CityPulse.Samples.Domain;
using CityPulse.Samples.Manifest;
using Shouldly;

namespace CityPulse.Tests.Samples;

/// <summary>What <c>samples/city.json</c> says, against the files beside it.</summary>
public sealed class ManifestTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "samples");
    private static readonly SampleData Data = SampleData.Open();

    public static TheoryData<string> SeriesNames => [.. Data.Manifest.Series.Keys];

    [Theory]
    [MemberData(nameof(SeriesNames))]
    public void A_file_has_the_rows_that_the_manifest_counts(string name)
    {
        var series = Data.Manifest.Series[name];

        Data.LinesOf(series.File).Skip(1).Count(line => line.Length > 0).ShouldBe(series.Rows);
        TimeZoneInfo.FindSystemTimeZoneById(series.Zone).ShouldNotBeNull();
    }

    [Theory]
    [InlineData("uk-electricity-0", 23508 - (3 * 23))]
    [InlineData("uk-electricity-1", 22536 - 15 - 21)]
    [InlineData("uk-electricity-2", 35468 - 24)]
    [InlineData("uk-gas-0", 23508)]
    [InlineData("il-gas-hdd-only", 19417)]
    [InlineData("occupancy-t4013", 2499)]
    [InlineData("speed-t4013", 2494)]
    [InlineData("office-temperature", 7267)]
    public void Quirks_of_the_source_leave_the_rows_that_they_should(string series, int rows) =>
        Data.RowsOf(series).Count.ShouldBe(rows);

    [Theory]
    [InlineData("il-electricity-cdd-hdd", 1, 10407.7)]
    [InlineData("il-gas-hdd-only", 29.3001, 1059.1)]
    public void A_simulated_year_adds_up_to_what_its_source_states(string series, double factor, double stated)
    {
        // The 365 days before the baseline's end, 2016-12-26 in America/Chicago.
        var end = Time("2016-12-26T06:00");

        var sum = Data.RowsOf(series).Where(row => row.Time >= end.AddDays(-365) && row.Time < end).Sum(row => row.Value);

        (sum / factor).ShouldBe(stated, stated * 0.003);
    }

    [Fact]
    public void The_last_of_two_rows_of_the_same_minute_stands() =>
        Data.RowsOf("speed-t4013").Single(row => row.Time == Time("2015-09-10T05:33")).Value.ShouldBe(62);

    [Fact]
    public void Clocks_span_the_first_series_that_runs_by_them()
    {
        foreach (var (name, span) in Data.Manifest.Clocks)
        {
            var spans = Data.Manifest.Sensors
                .Where(sensor => sensor.Clock == name)
                .Select(sensor => Data.LinesOf(Data.Manifest.Series[sensor.Series].File).Skip(1).Where(line => line.Length > 0).ToArray())
                .Select(lines => (First: TimeOf(lines[0]), Last: TimeOf(lines[^1])))
                .ToArray();

            spans.ShouldNotBeEmpty(name);
            spans.ShouldAllBe(other => other.Last <= span.Last, name);
            spans.ShouldContain(other => other.Last == span.Last, name);
            spans.ShouldContain(other => other.First == span.First, name);
        }
    }

    [Fact]
    public void Sensors_name_a_series_and_one_way_to_bring_it_to_the_present()
    {
        var manifest = Data.Manifest;
        manifest.Sensors.Select(sensor => sensor.ExternalId).ShouldBeUnique();
        manifest.Buildings.Select(building => building.Code).ShouldBeUnique();
        foreach (var sensor in manifest.Sensors)
        {
            manifest.Series.ShouldContainKey(sensor.Series);
            (sensor.Clock is null).ShouldBe(sensor.ReplayStepSeconds is not null, sensor.ExternalId);
            (sensor.Clock is null || manifest.Clocks.ContainsKey(sensor.Clock)).ShouldBeTrue(sensor.ExternalId);
            sensor.Tags.ShouldContain("sample");
            sensor.Tags.Contains("replay").ShouldBe(sensor.ReplayStepSeconds is not null, sensor.ExternalId);
        }
    }

    [Fact]
    public void The_api_takes_every_building_and_sensor()
    {
        var now = new DateTimeOffset(2026, 11, 24, 3, 0, 0, TimeSpan.Zero);
        foreach (var building in Data.Manifest.Buildings)
        {
            BuildingRules.Check(new BuildingRequest
            {
                Name = building.Name, Code = building.Code, Use = building.Use, TimeZone = building.TimeZone,
                FloorAreaM2 = building.FloorAreaM2, Floors = building.Floors, YearBuilt = building.YearBuilt, Tags = building.Tags,
            }, now).Errors.ShouldBeEmpty(building.Code);
        }

        foreach (var sensor in Data.Manifest.Sensors)
        {
            SensorRules.Check(new SensorRequest
            {
                BuildingId = Guid.Empty, ExternalId = sensor.ExternalId, Name = sensor.Name, Quantity = sensor.Quantity, Unit = sensor.Unit,
                Kind = sensor.Kind, IntervalSeconds = sensor.IntervalSeconds, Tags = sensor.Tags,
            }).Errors.ShouldBeEmpty(sensor.ExternalId);
        }
    }

    [Fact]
    public void What_is_simulated_or_invented_says_so()
    {
        foreach (var building in Data.Manifest.Buildings)
        {
            building.Tags.ShouldContain("sample");
            building.Tags.Contains("real-metadata").ShouldBe(building.Sensors.Count == 0, building.Code);
            building.Tags.Contains("nominal-floor-area").ShouldBe(building.Sensors.Count > 0, building.Code);
            building.Tags.Contains("simulated").ShouldBe(building.Code.StartsWith("il-", StringComparison.Ordinal), building.Code);
        }

        foreach (var sensor in Data.Manifest.Sensors.Where(sensor => sensor.Kind == "delta"))
        {
            sensor.Tags.Contains("simulated").ShouldBe(sensor.ExternalId.StartsWith("il-", StringComparison.Ordinal), sensor.ExternalId);
            sensor.Tags.Contains("measured").ShouldBe(sensor.ExternalId.StartsWith("uk-", StringComparison.Ordinal), sensor.ExternalId);
            sensor.Tags.Contains("converted-from-therm").ShouldBe(Data.Manifest.Series[sensor.Series].SourceUnit == "therm", sensor.ExternalId);
        }
    }

    [Fact]
    public void Real_buildings_agree_with_their_source()
    {
        var source = File.ReadLines(Path.Combine(Folder, "buildings", "buildings.csv")).Skip(1).Select(line => line.Split(',')).ToArray();
        var real = Data.Manifest.Buildings.Where(building => building.Tags.Contains("real-metadata")).ToArray();

        real.Select(building => building.Code).ShouldBe(source.Select(row => row[0]));
        foreach (var (building, row) in real.Zip(source))
        {
            building.FloorAreaM2.ShouldBe(double.Parse(row[2], CultureInfo.InvariantCulture));
            (building.Floors?.ToString(CultureInfo.InvariantCulture) ?? "").ShouldBe(row[3]);
            (building.YearBuilt?.ToString(CultureInfo.InvariantCulture) ?? "").ShouldBe(int.TryParse(row[5], out _) ? row[5] : "");
            building.TimeZone.ShouldBe(row[6]);
        }
    }

    [Theory]
    [InlineData("buildings", "Clayton Miller")]
    [InlineData("meters", "Apache License")]
    [InlineData("anomaly", "Numenta")]
    public void Each_folder_carries_its_licence_and_says_where_it_comes_from(string folder, string licence)
    {
        File.ReadAllText(Path.Combine(Folder, folder, "LICENSE.txt")).ShouldContain(licence);
        File.ReadAllText(Path.Combine(Folder, folder, "README.md")).ShouldContain("**Source**");
    }

    [Fact]
    public void The_trial_behind_the_London_meters_is_named() =>
        File.ReadAllText(Path.Combine(Folder, "meters", "README.md")).ShouldContain("UK Power Networks");

    [Fact]
    public void A_first_load_today_brings_a_year_and_more_of_each_meter_and_ends_now()
    {
        var now = new DateTimeOffset(2026, 11, 24, 3, 0, 0, TimeSpan.Zero);
        foreach (var sensor in Data.Manifest.Sensors.Where(sensor => sensor.Kind == "delta"))
        {
            var span = Data.Manifest.Clocks[sensor.Clock!];
            var clock = SeriesClock.Choose(span.First, span.Last, now.UtcDateTime);

            var readings = Data.TimelineOf(sensor, clock).After(null).TakeWhile(reading => reading.At + sensor.KnownAfter <= now).ToArray();

            (readings[^1].At - readings[0].At).ShouldBeGreaterThan(TimeSpan.FromDays(366), sensor.ExternalId);
            (now - readings[^1].At).ShouldBeLessThanOrEqualTo(TimeSpan.FromHours(2), sensor.ExternalId);
        }
    }

    private static DateTime TimeOf(string line) => Time(line[..line.IndexOf(',')].TrimEnd('Z'));

    private static DateTime Time(string text) => DateTime.Parse(text, CultureInfo.InvariantCulture);
}
