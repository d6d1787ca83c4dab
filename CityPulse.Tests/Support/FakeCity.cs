using Bogus;

namespace CityPulse.Tests.Support;

/// <summary>A building as the API takes it on create.</summary>
internal sealed record FakeBuilding(
    string Name, string Code, string Use, string TimeZone, double FloorAreaM2, int Floors, int YearBuilt, string[] Tags);

/// <summary>A sensor as the API takes it on create, but for its building.</summary>
internal sealed record FakeSensor(string ExternalId, string Name, string Quantity, string Unit, string Kind, int IntervalSeconds);

/// <summary>A reading as the API takes it at ingest.</summary>
internal sealed record FakeReading(string Sensor, DateTimeOffset At, double Value);

/// <summary>Made-up buildings, sensors and readings. The same seed gives the same city; codes and external ids are unique within one.</summary>
internal sealed class FakeCity(int seed)
{
    private static readonly string[] Zones = ["Europe/Berlin", "Europe/London", "America/Chicago", "Asia/Singapore"];
    private static readonly string[] Uses = ["office", "school", "university", "hospital", "residential", "retail"];

    private static readonly (string Quantity, string Unit, string Kind, double Low, double High)[] Points =
    [
        ("electric_energy", "kWh", "delta", 0, 40),
        ("electric_power", "kW", "gauge", 0, 160),
        ("temperature", "Cel", "gauge", 17, 26),
        ("humidity", "%", "gauge", 25, 70),
        ("co2", "[ppm]", "gauge", 400, 1800),
    ];

    private readonly Faker _faker = new("en") { Random = new Randomizer(seed) };
    private int _count;

    public FakeBuilding Building()
    {
        var street = _faker.Address.StreetName();
        return new FakeBuilding(
            $"{street} {_faker.Random.Number(1, 200)}",
            $"B-{seed}-{++_count}",
            _faker.PickRandom(Uses),
            _faker.PickRandom(Zones),
            Math.Round(_faker.Random.Double(200, 40_000), 1),
            _faker.Random.Number(1, 24),
            _faker.Random.Number(1880, 2024),
            [_faker.Commerce.Department().ToLowerInvariant()]);
    }

    public FakeSensor Sensor()
    {
        var (quantity, unit, kind, _, _) = _faker.PickRandom(Points);
        return new FakeSensor($"S-{seed}-{++_count}", $"{_faker.Commerce.ProductAdjective()} {quantity}", quantity, unit, kind, 900);
    }

    /// <summary>One reading an interval, from <paramref name="from"/> on, within what the quantity plausibly shows.</summary>
    public IReadOnlyList<FakeReading> Readings(FakeSensor sensor, DateTimeOffset from, int count)
    {
        var (_, _, _, low, high) = Points.Single(point => point.Quantity == sensor.Quantity);
        return
        [
            .. Enumerable.Range(0, count).Select(i => new FakeReading(
                sensor.ExternalId, from.AddSeconds((double)i * sensor.IntervalSeconds), Math.Round(_faker.Random.Double(low, high), 3))),
        ];
    }
}
