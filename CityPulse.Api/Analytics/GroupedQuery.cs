using CityPulse.Api.Buildings;
using CityPulse.Api.Data;
using CityPulse.Api.Energy;
using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Http;
using CityPulse.Api.Readings;
using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Api.Sensors.Domain;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Analytics;

/// <summary>Answers <c>POST /analytics/query</c>. A request chooses among what is written here; none of it becomes part of a statement but as a parameter.</summary>
internal sealed class GroupedQuery(CityDb db, SensorSeries series, ReadingReader reader, EnergyReader energy, TimeProvider time)
{
    private const int MaxRows = 20_000;
    private const int MaxSensors = 2_000;
    private const string KWh = "kwh";
    private static readonly string[] Metrics = ["avg", "min", "max", "sum", "count", KWh];
    private static readonly string[] Groups = ["building", "use", "quantity", "time"];

    private sealed record Key(Guid? BuildingId, string? Building, string? Use, string? Quantity, DateTimeOffset? At);

    private sealed record Member(Guid BuildingId, string Building, string Use);

    public static async Task<Results<Ok<AnalyticsQueryResponse>, ProblemHttpResult>> PostAsync(
        AnalyticsQueryRequest request, GroupedQuery query, CancellationToken cancellationToken)
    {
        var (period, check) = query.Check(request);
        if (check.Failed)
        {
            return check.ToProblem();
        }

        var (answer, problem) = request.Metric == KWh
            ? await query.EnergyAsync(request, period, cancellationToken)
            : await query.ReadingsAsync(request, period, cancellationToken);
        return answer is null ? problem! : TypedResults.Ok(answer);
    }

    private (EnergyPeriod Period, Validator Check) Check(AnalyticsQueryRequest request)
    {
        var check = new Validator();
        check.Check(request.Metric is not null, "metric", "metric is required.");
        check.OneOf("metric", request.Metric, Metrics);
        check.OneOf("quantity", request.Quantity, QuantityTable.All.Keys);
        var groups = request.GroupBy ?? [];
        check.Check(
            request.Quantity is not null || groups.Contains("quantity") || request.Metric is not ("avg" or "min" or "max" or "sum"),
            "quantity", $"{request.Metric} needs a quantity, or quantity in groupBy.");
        check.Check(request.Quantity is null || request.Metric is not KWh, "quantity", "kwh is of all meters; narrow it by filters.carrier.");
        check.Check(groups.All(g => Groups.Contains(g)), "groupBy", $"groupBy takes {string.Join(", ", Groups)}.");
        check.Check(groups.Distinct().Count() == groups.Count, "groupBy", "groupBy names each group once.");
        check.OneOf("resolution", request.Resolution, request.Metric is KWh ? ["15m", "1h", "1d", "1mo"] : ["1m", "15m", "1h", "1d"]);
        var filters = request.Filters ?? new();
        check.OneOf("filters.use", filters.Use, BuildingUses.All);
        check.OneOf("filters.carrier", filters.Carrier, EnergyUnits.Carriers);
        check.Check(filters.Carrier is null || request.Metric is KWh, "filters.carrier", "carrier narrows kwh only.");
        check.Check(filters.BuildingIds is not { Count: > 500 }, "filters.buildingIds", "buildingIds takes at most 500.");
        check.Check(filters.SensorIds is not { Count: > 500 }, "filters.sensorIds", "sensorIds takes at most 500.");
        check.Optional("filters.tag", filters.Tag, 100);
        var to = request.To ?? time.GetUtcNow();
        var from = request.From ?? to.AddDays(-7);
        check.Check(from < to, "from", "from must be before to.");
        check.Check(from.Year is >= 1970 and < 2200 && to.Year is >= 1970 and < 2200, "from", "from and to must lie from 1970 to 2199.");
        return (new EnergyPeriod(from, to), check);
    }

    private async Task<(AnalyticsQueryResponse?, ProblemHttpResult?)> ReadingsAsync(
        AnalyticsQueryRequest request, EnergyPeriod period, CancellationToken cancellationToken)
    {
        var groups = request.GroupBy ?? [];
        var byTime = groups.Contains("time");
        var size = byTime ? Resolutions.Parse(request.Resolution ?? "1d", period.Length)!.Value : Resolution.Hour;
        if (byTime && new BucketClock(size, TimeZoneInfo.Utc).HasTooMany(Timestamp.FromDateTimeOffset(period.From), Timestamp.FromDateTimeOffset(period.To)))
        {
            return (null, TooMany());
        }

        var (members, missing) = await MembersAsync(request.Filters, cancellationToken);
        if (missing is not null)
        {
            return (null, missing);
        }

        if (Ids(request.Filters?.SensorId, request.Filters?.SensorIds) is { } ids && await db.Sensors.CountAsync(s => ids.Contains(s.Id), cancellationToken) < ids.Length)
        {
            return (null, Problems.NotFound("sensor"));
        }

        var sensors = await SensorsAsync(request, members, cancellationToken);
        if (sensors.Count > MaxSensors)
        {
            return (null, Problems.Validation("filters", $"The query is about more than {MaxSensors} sensors; narrow it by its filters."));
        }

        var tallies = new Dictionary<Key, Tally>();
        foreach (var sensor in sensors)
        {
            var member = members[sensor.BuildingId];
            await foreach (var (start, tally) in TalliesAsync(request.Metric!, sensor, period, size, cancellationToken))
            {
                var key = KeyOf(groups, member, sensor.Quantity, Timestamp.ToDateTimeOffset(start));
                tallies[key] = tallies.TryGetValue(key, out var before) ? before.With(tally) : tally;
            }

            if (tallies.Count > MaxRows)
            {
                return (null, TooMany());
            }
        }

        var rows = tallies.Select(t => Row(t.Key, Value(request.Metric!, t.Value), t.Value.Count, coverage: null, request.Metric == "count"));
        var unit = request.Quantity is { } quantity && request.Metric != "count" ? QuantityTable.All[quantity].DefaultUnit : null;
        return (Answer(request, unit, period, byTime ? size.Name() : null, rows), null);
    }

    private async Task<(AnalyticsQueryResponse?, ProblemHttpResult?)> EnergyAsync(
        AnalyticsQueryRequest request, EnergyPeriod period, CancellationToken cancellationToken)
    {
        var groups = request.GroupBy ?? [];
        if (groups.Contains("quantity") || request.Filters is { Tag: not null } or { SensorId: not null } or { SensorIds: not null })
        {
            return (null, Problems.Validation("groupBy", "kwh is of whole buildings: it is grouped by building, use and time, and narrowed by building, use and carrier."));
        }

        var (members, missing) = await MembersAsync(request.Filters, cancellationToken);
        if (missing is not null)
        {
            return (null, missing);
        }

        var buildings = (await energy.BuildingsAsync(null, cancellationToken)).Where(b => members.ContainsKey(b.Id)).ToList();
        var zone = Zones.CommonOf(buildings.Select(b => b.TimeZone));
        var byTime = groups.Contains("time");
        var keys = buildings.Select(b => KeyOf(groups, members[b.Id], null, null)).Distinct().Count();
        if ((byTime ? BucketGrid.Create(period.From, period.To, EnergySize(request.Resolution), zone) : BucketGrid.Whole(period.From, period.To)) is not { } grid
            || (long)grid.Count * keys > MaxRows)
        {
            return (null, TooMany());
        }

        var tallies = new Dictionary<Key, EnergyTally>();
        await energy.RunAsync(
            await energy.SensorsAsync(buildings, request.Filters?.Carrier, cancellationToken),
            period,
            sensor =>
            {
                var key = KeyOf(groups, members[sensor.BuildingId], null, null);
                if (!tallies.TryGetValue(key, out var tally))
                {
                    tallies[key] = tally = new EnergyTally(grid);
                }

                tally.BeginMeter(null);
                return tally;
            },
            cancellationToken);

        var rows = tallies.SelectMany(t => Enumerable.Range(0, grid.Count).Where(i => !t.Value.IsEmpty(i)).Select(i =>
            Row(t.Key with { At = byTime ? grid.StartOf(i) : null }, t.Value[i].KWh, count: null, t.Value[i].Coverage)));
        return (Answer(request, "kWh", period, byTime ? request.Resolution ?? "1d" : null, rows), null);
    }

    /// <summary>The buildings that the filters leave; asking for one that is not there is asking for nothing that exists.</summary>
    private async Task<(Dictionary<Guid, Member> Members, ProblemHttpResult? Problem)> MembersAsync(AnalyticsFilterRequest? filters, CancellationToken cancellationToken)
    {
        var ids = Ids(filters?.BuildingId, filters?.BuildingIds);
        var buildings = db.Buildings.AsNoTracking();
        if (ids is not null)
        {
            buildings = buildings.Where(b => ids.Contains(b.Id));
        }

        var found = await buildings.Select(b => new Member(b.Id, b.Name, b.Use)).ToDictionaryAsync(b => b.BuildingId, cancellationToken);
        return ids is not null && found.Count < ids.Length
            ? ([], Problems.NotFound("building"))
            : (found.Where(b => filters?.Use is null || b.Value.Use == filters.Use).ToDictionary(), null);
    }

    private Task<List<SeriesSensor>> SensorsAsync(AnalyticsQueryRequest request, Dictionary<Guid, Member> members, CancellationToken cancellationToken)
    {
        var filters = request.Filters ?? new();
        Guid[] buildings = [.. members.Keys];
        var sensors = db.Sensors.Where(s => buildings.Contains(s.BuildingId));
        if (Ids(filters.SensorId, filters.SensorIds) is { } ids)
        {
            sensors = sensors.Where(s => ids.Contains(s.Id));
        }

        sensors = request.Quantity is { } quantity ? sensors.Where(s => s.Quantity == quantity) : sensors;
        sensors = filters.Tag is { } tag ? sensors.Where(s => s.Tags.Contains(tag)) : sensors;
        sensors = request.Metric switch
        {
            "sum" => sensors.Where(s => s.Kind != SensorKinds.Gauge),
            "count" => sensors,
            _ => sensors.Where(s => s.Kind != SensorKinds.Counter),
        };
        return series.FindAllAsync(sensors.OrderBy(s => s.Id).Take(MaxSensors + 1), cancellationToken);
    }

    private async IAsyncEnumerable<(long Start, Tally Tally)> TalliesAsync(
        string metric, SeriesSensor sensor, EnergyPeriod period, Resolution size, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (factor, offset) = ToDefaultUnit(sensor);
        if (metric == "sum")
        {
            foreach (var bucket in await series.ReadBucketsAsync(sensor, period.From, period.To, size, cancellationToken))
            {
                yield return (bucket.Start, new Tally(bucket.Count, (factor * bucket.Value) + offset, 0, 0));
            }

            yield break;
        }

        var span = new Span(Timestamp.FromDateTimeOffset(period.From), Timestamp.FromDateTimeOffset(period.To));
        await foreach (var bucket in reader.ReadBucketsAsync(sensor.Key, span, new BucketClock(size, sensor.Zone), descending: false, cancellationToken))
        {
            yield return (bucket.Start, new Tally(
                bucket.Count, (factor * bucket.Sum) + (offset * bucket.Count), (factor * bucket.Min) + offset, (factor * bucket.Max) + offset));
        }
    }

    /// <summary>Sensors of one quantity may measure in several units; the answer is in the quantity's own.</summary>
    private static (double Factor, double Offset) ToDefaultUnit(SeriesSensor sensor)
    {
        var quantity = QuantityTable.All[sensor.Quantity];
        if (sensor.Unit == quantity.DefaultUnit)
        {
            return (1, 0);
        }

        var offset = quantity.FromBase(quantity.ToBase(0, sensor.Unit), quantity.DefaultUnit);
        return (quantity.FromBase(quantity.ToBase(1, sensor.Unit), quantity.DefaultUnit) - offset, offset);
    }

    private static Key KeyOf(IReadOnlyList<string> groups, Member member, string? quantity, DateTimeOffset? at) => new(
        groups.Contains("building") ? member.BuildingId : null,
        groups.Contains("building") ? member.Building : null,
        groups.Contains("use") ? member.Use : null,
        groups.Contains("quantity") ? quantity : null,
        groups.Contains("time") ? at : null);

    private static double? Value(string metric, Tally tally)
    {
        var value = metric switch { "min" => tally.Min, "max" => tally.Max, "sum" => tally.Sum, "count" => tally.Count, _ => tally.Sum / tally.Count };
        return double.IsFinite(value) ? value : null;
    }

    private static AnalyticsRow Row(Key key, double? value, long? count, double? coverage, bool isCount = false) => new(
        key.BuildingId, key.Building, key.Use, key.Quantity,
        key.Quantity is { } quantity && !isCount ? QuantityTable.All[quantity].DefaultUnit : null, key.At, value, count, coverage);

    private static AnalyticsQueryResponse Answer(
        AnalyticsQueryRequest request, string? unit, EnergyPeriod period, string? resolution, IEnumerable<AnalyticsRow> rows) =>
        new(request.Metric!, request.Quantity, unit, request.GroupBy ?? [], resolution, period.From, period.To,
            [.. rows.OrderBy(r => r.At).ThenBy(r => r.Building, StringComparer.Ordinal).ThenBy(r => r.BuildingId).ThenBy(r => r.Use, StringComparer.Ordinal)
                .ThenBy(r => r.Quantity, StringComparer.Ordinal)]);

    private static Guid[]? Ids(Guid? one, IReadOnlyList<Guid>? several) =>
        one is null && several is null ? null : [.. (several ?? []).Concat(one is { } id ? [id] : []).Distinct()];

    private static EnergyResolution EnergySize(string? resolution) => resolution switch
    {
        "15m" => EnergyResolution.QuarterHour,
        "1h" => EnergyResolution.Hour,
        "1mo" => EnergyResolution.Month,
        _ => EnergyResolution.Day,
    };

    private static ProblemHttpResult TooMany() =>
        Problems.Validation("from", $"The answer would have more than {MaxRows} rows; shorten the period, or take a coarser resolution or fewer groups.");
}

/// <summary>Figures of readings that can be put together, whatever their number: never a mean of means.</summary>
internal readonly record struct Tally(long Count, double Sum, double Min, double Max)
{
    public Tally With(Tally other) => new(Count + other.Count, Sum + other.Sum, Math.Min(Min, other.Min), Math.Max(Max, other.Max));
}
