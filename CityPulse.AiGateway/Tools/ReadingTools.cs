using System.ComponentModel;
using System.Globalization;
using Microsoft.Extensions.AI;
using static CityPulse.AiGateway.Tools.CityTools;

namespace CityPulse.AiGateway.Tools;

/// <summary>Tools on what sensors measured, and on how much of it can be relied on.</summary>
internal sealed class ReadingTools(CityApi api)
{
    private const int MostSensors = 10;
    private const int MostPages = 20;

    /// <summary>Longer periods are read by the day, so that an answer stays small.</summary>
    private static readonly TimeSpan ByTheHour = TimeSpan.FromDays(62);

    public IEnumerable<AITool> All() =>
    [
        Tool(ReadingsAsync, GetReadings),
        Tool(LatestAsync, GetLatest),
        Tool(AnomaliesAsync, FindAnomalies),
        Tool(QualityAsync, GetDataQuality),
    ];

    [Description("What sensors measured in a period: average, lowest, highest, amount, and the newest values. Of one sensor, or of all of a quantity in a building.")]
    private Task<object> ReadingsAsync(
        [Description(FromText)] string from,
        [Description(ToText)] string to,
        [Description("Id of a sensor; leave out to name a quantity instead.")] string? sensorId = null,
        [Description(BuildingText)] string? buildingId = null,
        [Description(QuantityText)] string? quantity = null,
        [Description("1m, 15m, 1h or 1d; leave out for a fitting one.")] string? resolution = null,
        [Description("How many values to list of each sensor.")] int limit = 48,
        CancellationToken cancellationToken = default) => GuardAsync(async () =>
        {
            var (sensors, complete, _) = await SensorsAsync(sensorId, buildingId, quantity, cancellationToken);
            var read = new List<SensorReadings>();
            foreach (var sensor in sensors)
            {
                read.Add(await ReadAsync(sensor, from, to, resolution ?? Fitting(from, to), Math.Clamp(limit, 0, 1000), cancellationToken));
            }

            return new ReadingsResult(
                string.Create(CultureInfo.InvariantCulture, $"{read.Sum(r => r.Count)} readings of {read.Count} sensors"),
                At(from), At(to), complete, read);
        });

    [Description("The newest reading of every sensor.")]
    private Task<object> LatestAsync(
        [Description(BuildingText)] string? buildingId = null,
        [Description("How many to list at most; the count is of all.")] int limit = 100,
        CancellationToken cancellationToken = default) => GuardAsync(async () =>
        {
            var (items, complete, source) = await api.ListAsync<ApiLatest>($"{Root}/readings/latest", [("buildingId", buildingId)], cancellationToken);
            return new LatestResult($"{AtLeast(complete)}{items.Count} sensors have a reading", source, items.Count, complete, [.. items.Take(Math.Clamp(limit, 0, 5000))]);
        });

    [Description("Readings that are not as a sensor's past lets expect. Of one sensor, or of all of a quantity in a building.")]
    private Task<object> AnomaliesAsync(
        [Description(FromText)] string from,
        [Description(ToText)] string to,
        [Description("Id of a sensor; leave out to name a building or a quantity instead.")] string? sensorId = null,
        [Description(BuildingText)] string? buildingId = null,
        [Description(QuantityText)] string? quantity = null,
        [Description("1 (few) to 10 (many); 5 when left out.")] double? sensitivity = null,
        [Description("How many to list of each sensor, the worst first.")] int limit = 10,
        CancellationToken cancellationToken = default) => GuardAsync(async () =>
        {
            var (sensors, complete, _) = await SensorsAsync(sensorId, buildingId, quantity, cancellationToken);
            var found = new List<SensorAnomalies>();
            foreach (var sensor in sensors)
            {
                var answer = await api.GetAsync<List<ApiAnomaly>>(
                    $"{Root}/analytics/anomalies",
                    [("sensorId", $"{sensor.Id}"), ("from", from), ("to", to), ("sensitivity", sensitivity?.ToString(CultureInfo.InvariantCulture))], cancellationToken);
                found.Add(new SensorAnomalies(
                    sensor.Id, sensor.BuildingId, sensor.Name, sensor.Quantity, sensor.Unit, answer.Source, answer.Value.Count,
                    [.. answer.Value.OrderByDescending(a => Math.Abs(a.Score)).Take(Math.Clamp(limit, 0, 100))]));
            }

            var count = found.Sum(f => f.Count);
            return new AnomaliesResult(
                string.Create(CultureInfo.InvariantCulture, $"{count} anomalies of {found.Count} sensors"),
                At(from), At(to), count, complete, found);
        });

    [Description("How complete the readings of a building's sensors are in a period: missing readings, gaps, stuck values, spikes.")]
    private Task<object> QualityAsync(
        [Description(FromText)] string from,
        [Description(ToText)] string to,
        [Description(BuildingText)] string? buildingId = null,
        [Description("How many sensors to list, the least complete first; the figures are of all.")] int limit = 10,
        CancellationToken cancellationToken = default) => GuardAsync(async () =>
        {
            var answer = await api.GetAsync<ApiQuality>($"{Root}/analytics/data-quality", [("buildingId", buildingId), ("from", from), ("to", to)], cancellationToken);
            var items = answer.Value.Items;
            var (expected, kept) = (items.Sum(i => i.Expected), items.Sum(i => i.Completeness * i.Expected));
            var gaps = items.Sum(i => i.GapCount);
            return new QualityResult(
                string.Create(CultureInfo.InvariantCulture, $"{gaps} gaps in {items.Count(i => i.GapCount > 0)} of {items.Count} sensors"),
                answer.Source, answer.Value.From, answer.Value.To, items.Count, expected > 0 ? kept / expected : null, items.Count(i => i.GapCount > 0), gaps,
                items.Sum(i => i.SpikeCount),
                [.. items.OrderBy(i => i.Completeness).ThenByDescending(i => i.LongestGapSeconds).Take(Math.Clamp(limit, 0, 500)).Select(Describe)]);
        });

    private static QualityItem Describe(ApiSensorQuality item)
    {
        var longest = item.Gaps.OrderByDescending(g => g.To - g.From).FirstOrDefault();
        return new QualityItem(
            item.SensorId, item.Name, item.Quantity, item.Expected, item.Received, item.Completeness, item.GapCount,
            TimeSpan.FromSeconds(item.LongestGapSeconds).TotalHours, longest?.From, item.StuckValues.Count, item.SpikeCount);
    }

    private async Task<SensorReadings> ReadAsync(ApiSensor sensor, string from, string to, string resolution, int limit, CancellationToken cancellationToken)
    {
        var path = $"{Root}/sensors/{sensor.Id}/readings";
        var query = new List<(string, string?)> { ("from", from), ("to", to), ("resolution", resolution) };
        var answer = await api.GetAsync<ApiReadings>(path, query, cancellationToken);
        var (items, cursor) = (answer.Value.Items, answer.Value.NextCursor);
        for (var page = 1; cursor is not null && page < MostPages; page++)
        {
            var next = await api.GetAsync<ApiReadings>(path, [.. query, ("cursor", cursor)], cancellationToken);
            items.AddRange(next.Value.Items);
            cursor = next.Value.NextCursor;
        }

        var count = items.Sum(i => (long)(i.Count ?? 1));
        var lowest = items.MinBy(i => i.Min ?? i.Value);
        var highest = items.MaxBy(i => i.Max ?? i.Value);
        var sum = items.Sum(i => i.Sum ?? i.Value ?? i.Avg * i.Count);
        return new SensorReadings(
            sensor.Id, sensor.BuildingId, sensor.Name, sensor.Quantity, sensor.Unit, answer.Source, answer.Value.Resolution, count,
            count > 0 ? sum / count : null, lowest?.Min ?? lowest?.Value, lowest?.At, highest?.Max ?? highest?.Value, highest?.At,
            sensor.Kind == "delta" && count > 0 ? sum : null,
            [.. items.TakeLast(limit).Select(i => new PointItem(i.At, i.Value ?? i.Avg ?? i.Last ?? 0))]);
    }

    /// <summary>The sensors that are meant, up to a number that can be read one by one.</summary>
    private async Task<(IReadOnlyList<ApiSensor> Sensors, bool Complete, string Source)> SensorsAsync(
        string? sensorId, string? buildingId, string? quantity, CancellationToken cancellationToken)
    {
        if (sensorId is not null)
        {
            var one = await api.GetAsync<ApiSensor>($"{Root}/sensors/{Uri.EscapeDataString(sensorId)}", [], cancellationToken);
            return ([one.Value], true, one.Source);
        }

        if (buildingId is null && quantity is null)
        {
            throw new CityApiException(status: 400, "Name a sensor, a building or a quantity.");
        }

        var (items, complete, source) = await api.ListAsync<ApiSensor>($"{Root}/sensors", [("buildingId", buildingId), ("quantity", quantity)], cancellationToken);
        return ([.. items.Where(s => s.Status != "never").Take(MostSensors)], complete && items.Count <= MostSensors, source);
    }

    private static string Fitting(string from, string to) => At(to) - At(from) <= ByTheHour ? "1h" : "1d";

    /// <summary>Null where it is no time; Api says so.</summary>
    private static DateTimeOffset? At(string text) => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out var at) ? at : null;
}
