using System.Text.Json;
using System.Text.Json.Serialization;
using CityPulse.Samples.Domain;

namespace CityPulse.Samples.Manifest;

/// <summary><c>samples/city.json</c>: which buildings and sensors the sample city has, and where their readings come from.</summary>
internal sealed record CityManifest(
    string Note,
    IReadOnlyDictionary<string, RecordedSpan> Clocks,
    IReadOnlyDictionary<string, SourceSeries> Series,
    IReadOnlyList<SampleBuilding> Buildings)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    [JsonIgnore]
    public IEnumerable<SampleSensor> Sensors => Buildings.SelectMany(building => building.Sensors);

    public static CityManifest Read(string samplesFolder)
    {
        using var file = File.OpenRead(Path.Combine(samplesFolder, "city.json"));
        return JsonSerializer.Deserialize<CityManifest>(file, Json) ?? throw new JsonException("city.json is null.");
    }
}

/// <summary>First and last recorded time of the series that share a clock, in the civil time of the series.</summary>
internal sealed record RecordedSpan(DateTime First, DateTime Last);

/// <param name="File">Path below <c>samples/</c>; <c>.gz</c> is unpacked.</param>
/// <param name="Column">Name of the value column; the time is in <c>timestamp</c>.</param>
/// <param name="Zone">IANA zone that the times are in.</param>
/// <param name="Rows">Data rows of the file, to notice a damaged copy.</param>
/// <param name="SourceUnit">Unit of the file where it differs from the sensor's.</param>
/// <param name="Factor">Sensor's unit = file's unit × factor.</param>
/// <param name="Missing">Stretches that are not measurements although they carry a value.</param>
internal sealed record SourceSeries(
    string File,
    string Column,
    string Zone,
    int Rows,
    string? SourceUnit = null,
    double Factor = 1,
    IReadOnlyList<MissingStretch>? Missing = null);

internal sealed record SampleBuilding(
    string Code,
    string Name,
    string Use,
    string TimeZone,
    double FloorAreaM2,
    IReadOnlyList<string> Tags,
    IReadOnlyList<SampleSensor> Sensors,
    int? Floors = null,
    int? YearBuilt = null);

/// <param name="Clock">The clock that lays the series over the present. A sensor has either this or <paramref name="ReplayStepSeconds"/>.</param>
/// <param name="ReplayStepSeconds">Fast replay: one row of the series every so many seconds, stamped with the present time.</param>
internal sealed record SampleSensor(
    string ExternalId,
    string Name,
    string Quantity,
    string Unit,
    string Kind,
    int IntervalSeconds,
    IReadOnlyList<string> Tags,
    string Series,
    string? Clock = null,
    int? ReplayStepSeconds = null)
{
    /// <summary>When a reading can be known: the energy of an interval at its end, a gauge at once.</summary>
    [JsonIgnore]
    public TimeSpan KnownAfter => Kind == "delta" ? TimeSpan.FromSeconds(IntervalSeconds) : TimeSpan.Zero;
}
