using System.Net;
using CityPulse.Samples;
using CityPulse.Samples.Loading;
using CityPulse.Samples.Manifest;
using CityPulse.Samples.Replay;
using CityPulse.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace CityPulse.Tests.Samples;

/// <summary>The load as a whole, against a server in memory: what is there afterwards, whatever went wrong on the way.</summary>
public sealed class HistoryLoaderTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 11, 24, 3, 0, 0, TimeSpan.Zero);
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "samples");

    // One home and the roads are enough to keep both writers busy with several batches each.
    private static readonly SampleData Data = new(Folder, CityManifest.Read(Folder) is var all
        ? all with { Buildings = [.. all.Buildings.Where(building => building.Code is "uk-1" or "msp-roads" or "Office_Gladys")] }
        : throw new InvalidOperationException());

    private readonly FakeCityServer _server = new();
    private readonly FakeTimeProvider _time = new(Start);
    private readonly List<string> _log = [];

    [Fact]
    public async Task A_first_load_creates_the_city_and_brings_its_history()
    {
        var loaded = await LoadAsync();

        _server.Buildings.Select(building => (string)building!["code"]!).ShouldBe(Data.Manifest.Buildings.Select(building => building.Code));
        _server.Sensors.Select(sensor => (string)sensor!["externalId"]!).ShouldBe(Data.Manifest.Sensors.Select(sensor => sensor.ExternalId));
        _server.Readings.Count.ShouldBe(loaded);
        loaded.ShouldBeGreaterThan(30_000);
        _server.Readings.Keys.Max(reading => reading.At).ShouldBeLessThanOrEqualTo(Start);
        var tags = _server.Sensors.Single(sensor => (string)sensor!["externalId"]! == "uk-electricity-1")!["tags"]!.AsArray();
        tags.Select(tag => (string)tag!).ShouldContain("shifted-676-weeks");
    }

    [Fact]
    public async Task A_second_start_has_nothing_to_do()
    {
        await LoadAsync();

        (await LoadAsync()).ShouldBe(0);
        _server.Buildings.Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_start_years_later_goes_on_where_the_first_one_laid_the_recording()
    {
        await LoadAsync();
        var before = _server.Readings.Keys.ToHashSet();

        _time.SetUtcNow(Start.AddDays(1000));
        await LoadAsync();

        _server.Duplicates.ShouldBe(0);
        var hours = _server.Readings.Keys.Where(key => key.Sensor == "uk-1-outdoor").Select(key => key.At).Order().ToArray();
        for (var i = 1; i < hours.Length; i++)
        {
            (hours[i] - hours[i - 1]).ShouldBe(TimeSpan.FromHours(1));
        }

        hours.Length.ShouldBeGreaterThan(before.Count(key => key.Sensor == "uk-1-outdoor") + (1000 * 24) - 2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task A_load_that_breaks_off_is_completed_by_the_next_one(int goodBatches)
    {
        _server.IngestFault = batch => batch > goodBatches ? HttpStatusCode.BadRequest : null;
        await Should.ThrowAsync<SampleException>(LoadAsync);
        var partial = _server.Readings.Count;
        _server.IngestFault = _ => null;

        var rest = await LoadAsync();

        using var whole = new HistoryLoaderTests();
        await whole.LoadAsync();
        _server.Readings.ToHashSet().SetEquals(whole._server.Readings).ShouldBeTrue();
        _server.Duplicates.ShouldBe(0);
        rest.ShouldBe(_server.Readings.Count - partial);
    }

    [Fact]
    public async Task A_server_that_is_away_for_a_while_or_sets_limits_is_waited_for()
    {
        _server.IngestFault = batch => batch switch
        {
            2 or 3 => HttpStatusCode.ServiceUnavailable,
            5 => HttpStatusCode.TooManyRequests,
            _ => null,
        };

        _server.Readings.Count.ShouldBe(0);
        (await LoadAsync()).ShouldBe(_server.Readings.Count);

        _server.Duplicates.ShouldBe(0);
        _log.ShouldContain(line => line.Contains("rate limit"));
    }

    [Fact]
    public async Task A_token_that_is_no_longer_taken_is_renewed_once_for_both_writers()
    {
        _server.IngestFault = batch =>
        {
            if (batch == 2)
            {
                _server.Token = "token-1";
            }

            return null;
        };

        (await LoadAsync()).ShouldBe(_server.Readings.Count);

        (_server.Logins, _server.Refreshes).ShouldBe((1, 1));
    }

    [Fact]
    public async Task The_replay_goes_on_after_the_load_through_an_outage_and_without_a_refused_sensor()
    {
        await LoadAsync();
        var loaded = _server.Readings.Keys.ToHashSet();
        _server.RefusedSensor = "occupancy-6005-replay";
        var attempts = 0;
        _server.IngestFault = _ => ++attempts is > 3 and < 7 ? HttpStatusCode.ServiceUnavailable : null;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

        var replay = WithApiAsync(async (api, city) =>
        {
            await new LiveReplay(api, Data, _time, _log.Add).RunAsync(city, stop.Token);
            return 0;
        });
        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMinutes(1));
                return Fresh("uk-electricity-1").Length >= 2 && Fresh("speed-6005-replay").Length >= 20;
            },
            "two half hours have passed and the fast gauges moved");
        await stop.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => replay);
        attempts.ShouldBeGreaterThan(7);
        var halfHours = Fresh("uk-electricity-1");
        halfHours.ShouldBe(halfHours.Select((_, i) => halfHours[0].AddMinutes(30 * i)));
        _log.Count(line => line.Contains("occupancy-6005-replay is left out")).ShouldBe(1);

        DateTimeOffset[] Fresh(string sensor) => [.. _server.TimesOf(sensor).Where(at => !loaded.Contains((sensor, at))).Order()];
    }

    public void Dispose() => _server.Dispose();

    private Task<int> LoadAsync() => WithApiAsync(async (api, city) =>
    {
        var (loaded, _) = await new HistoryLoader(api, Data, _time, batchSize: 5000).LoadAsync(
            city, total => new ProgressReport(TextWriter.Null, terminal: false, total, _time), TestContext.Current.CancellationToken);
        return loaded;
    });

    private async Task<int> WithApiAsync(Func<CityApi, IReadOnlyList<CitySensor>, Task<int>> act)
    {
        var options = new SampleOptions(new Uri("http://city.test"), "manager@demo.citypulse.local", "a-password", Replay: false);
        using var client = new HttpClient(_server, disposeHandler: false) { BaseAddress = options.BaseUrl };
        var http = new PatientHttp(client, _time, _log.Add);
        using var session = new CitySession(http, options, _time);
        var api = new CityApi(http, session);
        return await act(api, await new SampleCity(api, Data, _time).EnsureAsync(TestContext.Current.CancellationToken));
    }
}
