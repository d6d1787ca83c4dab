using System.Net;
using System.Net.Http.Json;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Time.Testing;

namespace CityPulse.Tests.AiGateway.Local;

/// <summary>
/// A small city with figures that can be worked out on paper, at half past ten (UTC) on Tuesday, 24 November 2026, and the assistant in front
/// of it. All readings are of the hour, from September on:
/// <list type="bullet">
/// <item>Town Hall: 10 kWh of electricity an hour and 10 more from 8 to 18 o'clock UTC, 3 kWh of heat; 20 °C, 22 °C from 8 to 18, and once 60 °C.</item>
/// <item>Goethe School: 20 kWh; humidity 40 and 41 % in turn. Lena Office: 5 kWh; 600 ppm, 700 from 8 to 18; 21 °C, with nothing on 18 November.</item>
/// <item>Lara Office: 4 kWh. City Library: 0.1 m³ of water, and a sensor that never said anything.</item>
/// </list>
/// Hall and school pay 0.30 EUR/kWh and emit 0.4 kg/kWh. Another organisation has a building and an alert that nobody else may hear of.
/// </summary>
public sealed class AnsweringCity(TestStores stores) : IAsyncLifetime
{
    internal static readonly DateTimeOffset Now = new(2026, 11, 24, 10, 30, 0, TimeSpan.Zero);

    private static readonly DateTimeOffset First = new(2026, 8, 31, 22, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Spike = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _time = new(Now.AddMinutes(-5));
    private ApiHost _api = null!;

    /// <summary>What nobody of the city may ever read: it is the other organisation's.</summary>
    public const string Secret = "Zitadelle";

    public const string SecretComment = "Geheimnis-4711";

    public const string SecretAlert = "Tresor offen";

    internal GatewayHost Gateway { get; private set; } = null!;

    internal City City { get; private set; } = null!;

    internal City Other { get; private set; } = null!;

    private Guid _otherBuilding;
    private Guid _otherSensor;
    private Guid _otherAlert;
    private FakeServer _model = null!;

    internal Dictionary<string, Guid> Buildings { get; } = [];

    /// <summary>An attempt with the other organisation's ids in it.</summary>
    internal string Fill(string attempt) => attempt.Replace("{building}", $"{_otherBuilding}", StringComparison.Ordinal)
        .Replace("{sensor}", $"{_otherSensor}", StringComparison.Ordinal).Replace("{alert}", $"{_otherAlert}", StringComparison.Ordinal)
        .Replace("{organization}", $"{Other.OrganizationId}", StringComparison.Ordinal);

    internal HttpClient CreateApiClient() => _api.CreateClient();

    public async ValueTask InitializeAsync()
    {
        _api = await ApiHost.StartAsync(stores, services: s => s.Replace(ServiceDescriptor.Singleton<TimeProvider>(_time)));
        City = await City.RegisterAsync(_api.CreateClient());
        Other = await City.RegisterAsync(_api.CreateClient());
        await Task.WhenAll(SeedAsync(), SeedOtherAsync());
        _model = await ObedientModel.StartAsync();
        Gateway = await GatewayHost.StartAsync(stores, _api.BaseAddress, tokens: null, internalApi: _api.InternalAddress, time: _time, settings: new()
        {
            ["Ai:DefaultModel"] = "local",
            ["Ai:AllowPrivateBaseUrls"] = "true",
            ["Ai:Providers:OpenAi:ApiKey"] = "sk-very-secret",
            ["Ai:Providers:OpenAi:BaseUrl"] = new Uri(_model.Address, "/v1").ToString(),
            ["Ai:Providers:OpenAi:Model"] = "obedient",
        });
        _time.SetUtcNow(Now);
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await _model.DisposeAsync();
        await _api.DisposeAsync();
    }

    private async Task SeedAsync()
    {
        using var tariff = await City.Client.PostAsJsonAsync(
            "/api/v1/citypulse/energy/tariffs", new { name = "Flat", currency = "EUR", energyRates = new[] { new { pricePerKwh = 0.3 } } });
        var tariffId = (await tariff.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
        var hall = await BuildAsync("Town Hall", new { code = "TH-1", use = "public", carbonIntensityKgPerKwh = 0.4, tariffId });
        var school = await BuildAsync("Goethe School", new { use = "school", floorAreaM2 = 2000, carbonIntensityKgPerKwh = 0.4, tariffId });
        var lena = await BuildAsync("Lena Office", new { use = "office", floorAreaM2 = 500 });
        var lara = await BuildAsync("Lara Office", new { use = "office", floorAreaM2 = 500 });
        var library = await BuildAsync("City Library", new { use = "public", floorAreaM2 = 800 });

        var warm = await SenseAsync(hall, "temperature", "hall-temperature", at => at == Spike ? 60 : 20 + (IsDay(at) ? 2 : 0));
        await SenseAsync(hall, "electric_energy", "hall-meter", at => 10 + (IsDay(at) ? 10 : 0));
        await SenseAsync(hall, "heat_energy", "hall-heat", _ => 3);
        await SenseAsync(school, "electric_energy", "school-meter", _ => 20);
        await SenseAsync(school, "humidity", "school-humidity", at => 40 + (at.Hour % 2));
        await SenseAsync(lena, "electric_energy", "lena-meter", _ => 5);
        await SenseAsync(lena, "co2", "lena-co2", at => 600 + (IsDay(at) ? 100 : 0));
        await SenseAsync(lena, "temperature", "lena-temperature", at => at.AddHours(1).Date == new DateTime(2026, 11, 18) ? null : 21);
        await SenseAsync(lara, "electric_energy", "lara-meter", _ => 4);
        await SenseAsync(library, "water_volume", "library-water", _ => 0.1);
        await City.CreateSensorAsync(library, "noise", "library-noise");

        await RuleAsync(City, warm, "Too hot");
        await City.IngestAsync("hall-temperature", (Spike.AddMinutes(1), 61), (Spike.AddMinutes(30), 22));
        await AlertAsync(City, seen: 0);
    }

    /// <summary>A sensor, a rule with a message, and the readings that break it.</summary>
    internal async Task<(Guid Sensor, Guid Alert)> RaiseAlertAsync(City owner, Guid building, string externalId, string message, double value = 60)
    {
        var seen = (await AlertsAsync(owner)).Count;
        var sensor = await owner.CreateSensorAsync(building, "temperature", externalId, new { intervalSeconds = 3600 });
        await RuleAsync(owner, sensor, message);
        await owner.IngestAsync(externalId, (Spike, 20), (Spike.AddHours(1), value));
        return (sensor, await AlertAsync(owner, seen));
    }

    private static async Task RuleAsync(City owner, Guid sensor, string message)
    {
        using var rule = await owner.Client.PostAsJsonAsync("/api/v1/citypulse/alerts/rules", new
        {
            name = "Too hot", enabled = true, severity = "critical", scope = new { sensorId = sensor }, message,
            condition = new Dictionary<string, object> { ["type"] = "threshold", ["operator"] = ">", ["value"] = 50 },
        });
        await rule.ReadAsync(HttpStatusCode.Created);
    }

    private async Task SeedOtherAsync()
    {
        using var made = await Other.Client.PostAsJsonAsync(
            "/api/v1/citypulse/buildings", new { name = $"{Secret} Nord", use = "office", timeZone = "Europe/Berlin", floorAreaM2 = 777777.0 });
        _otherBuilding = (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
        (_otherSensor, _otherAlert) = await RaiseAlertAsync(Other, _otherBuilding, "other-temperature", SecretAlert, 81.25);
        using var comment = await Other.Client.PostAsJsonAsync($"/api/v1/citypulse/alerts/{_otherAlert}/comment", new { comment = SecretComment });
        await comment.ReadAsync(HttpStatusCode.OK);
    }

    /// <summary>The newest alert, once there are more than were seen. The rules' clock is moved a little, since it waits by it.</summary>
    private async Task<Guid> AlertAsync(City owner, int seen)
    {
        List<Guid> alerts = [];
        await Eventually.TrueAsync(async () =>
        {
            alerts = await AlertsAsync(owner);
            if (_time.GetUtcNow() < Now.AddMinutes(-1))
            {
                _time.Advance(TimeSpan.FromMilliseconds(20));
            }

            return alerts.Count > seen;
        }, "the alert is raised");
        return alerts[0];
    }

    private static async Task<List<Guid>> AlertsAsync(City owner) =>
        [.. (await (await owner.Client.GetAsync("/api/v1/citypulse/alerts")).ReadAsync(HttpStatusCode.OK)).GetProperty("items").EnumerateArray()
            .Select(a => a.GetProperty("id").GetGuid())];

    private async Task<Guid> BuildAsync(string name, object more) => Buildings[name] = await City.CreateBuildingAsync(name, more: more);

    private async Task<Guid> SenseAsync(Guid building, string quantity, string externalId, Func<DateTimeOffset, double?> value)
    {
        var amount = quantity is "electric_energy" or "heat_energy" or "water_volume";
        var unit = quantity is "electric_energy" or "heat_energy" ? "kWh" : null;
        var id = await City.CreateSensorAsync(building, quantity, externalId, new { name = externalId, kind = amount ? "delta" : "gauge", unit, intervalSeconds = 3600 });
        await City.IngestAsync(externalId, Enumerable.Range(0, (int)(Now - First).TotalHours)
            .Select(h => First.AddHours(h)).Where(at => value(at) is not null).Select(at => (at, value(at)!.Value)));
        return id;
    }

    private static bool IsDay(DateTimeOffset at) => at.Hour is >= 8 and < 18;
}

[CollectionDefinition]
public sealed class AnsweringCities : ICollectionFixture<AnsweringCity>;
