using CityPulse.Samples.Domain;
using CityPulse.Samples.Manifest;

namespace CityPulse.Samples.Loading;

/// <summary>A sensor of the sample city as it stands in the database.</summary>
/// <param name="Clock">How its recording is laid over the present; null for a fast replay.</param>
/// <param name="LastStored">Time of its newest reading there.</param>
internal sealed record CitySensor(SampleSensor Sample, SeriesClock? Clock, DateTimeOffset? LastStored);

/// <summary>Makes sure that the buildings and sensors of the manifest exist. What is there already stays as it is, edits included.</summary>
internal sealed class SampleCity(CityApi api, SampleData data, TimeProvider time)
{
    public async Task<IReadOnlyList<CitySensor>> EnsureAsync(CancellationToken cancel)
    {
        // The start that finds nothing to do is the usual one; it should not queue up for three answers.
        var (listing, sensing, reading) = (api.ListBuildingsAsync(cancel), api.ListSensorsAsync(cancel), api.ListLatestReadingsAsync(cancel));
        var buildings = (await listing).Where(building => building.Code is not null).ToLookup(building => building.Code!);
        var sensors = (await sensing).Where(sensor => sensor.ExternalId is not null).ToDictionary(sensor => sensor.ExternalId!);
        var latest = (await reading).ToDictionary(item => item.SensorId, item => item.At);
        var clocks = data.Manifest.Clocks.ToDictionary(clock => clock.Key, clock => ClockOf(clock.Key, clock.Value, sensors));

        var city = new List<CitySensor>();
        foreach (var building in data.Manifest.Buildings)
        {
            var buildingId = buildings[building.Code].FirstOrDefault()?.Id;
            foreach (var sample in building.Sensors)
            {
                SeriesClock? clock = sample.Clock is null ? null : clocks[sample.Clock];
                if (!sensors.TryGetValue(sample.ExternalId, out var stored))
                {
                    buildingId ??= (await api.CreateAsync(RequestFor(building), cancel)).Id;
                    stored = await api.CreateAsync(RequestFor(sample, buildingId.Value, clock), cancel);
                }

                city.Add(new CitySensor(sample, clock, latest.TryGetValue(stored.Id, out var at) ? at : null));
            }

            // A building without sensors; one whose sensors were moved elsewhere is not made again.
            if (building.Sensors.Count == 0 && buildingId is null)
            {
                await api.CreateAsync(RequestFor(building), cancel);
            }
        }

        return city;
    }

    private SeriesClock ClockOf(string name, RecordedSpan span, Dictionary<string, StoredSensor> stored)
    {
        var weeks = data.Manifest.Sensors
            .Where(sample => sample.Clock == name && stored.ContainsKey(sample.ExternalId))
            .Select(sample => SeriesClock.ShiftWeeksOf(stored[sample.ExternalId].Tags ?? []))
            .FirstOrDefault(found => found is not null);
        return weeks is { } shift
            ? new SeriesClock(span.First, span.Last, shift)
            : SeriesClock.Choose(span.First, span.Last, time.GetUtcNow().UtcDateTime);
    }

    private static BuildingRequest RequestFor(SampleBuilding building) => new(
        building.Name, building.Code, building.Use, building.TimeZone, building.FloorAreaM2, building.Floors, building.YearBuilt, building.Tags);

    private static SensorRequest RequestFor(SampleSensor sample, Guid buildingId, SeriesClock? clock) => new(
        buildingId, sample.ExternalId, sample.Name, sample.Quantity, sample.Unit, sample.Kind, sample.IntervalSeconds,
        clock is null ? sample.Tags : [.. sample.Tags, clock.Value.Tag]);
}
