using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using CityPulse.ServiceDefaults.Json;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Tools;

/// <summary>What any model can ask of the city. Each tool only reads, as the caller.</summary>
internal sealed class CityTools(CityApi api)
{
    public const string ListBuildings = "list_buildings";
    public const string ListSensors = "list_sensors";
    public const string GetEnergy = "get_energy";
    public const string RankBuildings = "rank_buildings";
    public const string CompareEnergy = "compare_energy";
    public const string GetReadings = "get_readings";
    public const string GetLatest = "get_latest";
    public const string GetForecast = "get_forecast";
    public const string ListAlerts = "list_alerts";
    public const string FindAnomalies = "find_anomalies";
    public const string GetDataQuality = "get_data_quality";

    internal const string Root = "/api/v1/citypulse";
    internal const string BuildingText = "Id of a building; leave out for all.";
    internal const string QuantityText = "Such as temperature, humidity, co2, electric_power, electric_energy, occupancy.";
    internal const string FromText = "Start of the period, inclusive: RFC 3339 with offset, such as 2026-10-01T00:00:00+02:00.";
    internal const string ToText = "End of the period, exclusive: RFC 3339 with offset.";
    internal const string CarrierText = "electricity, gas or heat; leave out for all together.";

    public IList<AITool> All() =>
    [
        Tool(BuildingsAsync, ListBuildings),
        Tool(SensorsAsync, ListSensors),
        Tool(EnergyAsync, GetEnergy),
        Tool(RankingAsync, RankBuildings),
        Tool(CompareAsync, CompareEnergy),
        .. new ReadingTools(api).All(),
        .. new OutlookTools(api).All(),
    ];

    [Description("Lists or counts buildings, with their ids, uses and time zones. Call it first when a question names a building.")]
    private Task<object> BuildingsAsync(
        [Description("Part of the name.")] string? query = null,
        [Description("office, school, university, hospital, residential, retail, industrial, warehouse, public, transport or other.")] string? use = null,
        [Description("How many to list at most; the count is of all.")] int limit = 100,
        CancellationToken cancellationToken = default) => GuardAsync(async () =>
        {
            var (items, complete, source) = await api.ListAsync<ApiBuilding>($"{Root}/buildings", [("q", query), ("use", use)], cancellationToken);
            var listed = items.Take(Math.Clamp(limit, 0, 5000))
                .Select(b => new BuildingItem(b.Id, b.Name, b.Code, b.Use, b.Address?.City, b.TimeZone, b.FloorAreaM2));
            return new BuildingsResult($"{AtLeast(complete)}{items.Count} buildings", source, items.Count, complete, [.. listed]);
        });

    [Description("Lists or counts sensors with their status (online, stale, offline, never) and latest reading.")]
    private Task<object> SensorsAsync(
        [Description(BuildingText)] string? buildingId = null,
        [Description(QuantityText)] string? quantity = null,
        [Description("online, stale, offline or never.")] string? status = null,
        [Description("How many to list at most; the counts are of all.")] int limit = 50,
        CancellationToken cancellationToken = default) => GuardAsync(async () =>
        {
            var (items, complete, source) = await api.ListAsync<ApiSensor>(
                $"{Root}/sensors", [("buildingId", buildingId), ("quantity", quantity), ("status", status)], cancellationToken);
            var byStatus = items.CountBy(s => s.Status).OrderBy(c => c.Key, StringComparer.Ordinal).ToDictionary();
            var listed = items.Take(Math.Clamp(limit, 0, 5000)).Select(s =>
                new SensorItem(s.Id, s.BuildingId, s.Name, s.Quantity, s.Unit, s.Status, s.LastReading?.At, s.LastReading?.Value));
            return new SensorsResult($"{AtLeast(complete)}{items.Count} sensors", source, items.Count, complete, byStatus, [.. listed]);
        });

    [Description("Energy of one building or the whole portfolio in a period: kWh, cost, kg CO2, peak kW, load factor, energy use intensity, coverage.")]
    private Task<object> EnergyAsync(
        [Description(FromText)] string from,
        [Description(ToText)] string to,
        [Description("Id of a building; leave out for the whole portfolio.")] string? buildingId = null,
        [Description(CarrierText)] string? carrier = null,
        CancellationToken cancellationToken = default) =>
        GuardAsync(async () => await ReadEnergyAsync(buildingId, from, to, carrier, cancellationToken));

    [Description("Puts all buildings in order by energy (kwh), energy use intensity (eui), cost or emissions (co2) in a period.")]
    private Task<object> RankingAsync(
        [Description("kwh, eui, cost or co2.")] string metric,
        [Description(FromText)] string from,
        [Description(ToText)] string to,
        [Description("most or least first.")] string order = "most",
        [Description("How many to list.")] int limit = 5,
        [Description("Only buildings of this use, such as school.")] string? use = null,
        [Description(CarrierText)] string? carrier = null,
        CancellationToken cancellationToken = default) => GuardAsync(async () =>
        {
            var answer = await api.GetAsync<ApiRanking>(
                $"{Root}/energy/ranking", [("metric", metric), ("from", from), ("to", to), ("carrier", carrier)], cancellationToken);
            var all = answer.Value.Items.Where(i => use is null || i.Use == use).ToList();
            var ranked = all.Where(i => i.Rank is not null).ToList();
            if (order == "least")
            {
                ranked.Reverse();
            }

            var first = ranked.FirstOrDefault();
            var summary = first is null
                ? "no building has data in the period"
                : string.Create(CultureInfo.InvariantCulture, $"{order}: {first.Name}, {first.Value} {answer.Value.Unit}; {ranked.Count} buildings ranked");
            return new RankingResult(
                summary, answer.Source, answer.Value.From, answer.Value.To, metric, answer.Value.Unit, order, ranked.Count, all.Count - ranked.Count,
                [.. ranked.Take(Math.Clamp(limit, 1, 100))]);
        });

    [Description("Compares the energy of two periods, of one building or the whole portfolio.")]
    private Task<object> CompareAsync(
        [Description(FromText)] string from,
        [Description(ToText)] string to,
        [Description("Start of the period to compare with, inclusive.")] string otherFrom,
        [Description("End of the period to compare with, exclusive.")] string otherTo,
        [Description("Id of a building; leave out for the whole portfolio.")] string? buildingId = null,
        [Description(CarrierText)] string? carrier = null,
        CancellationToken cancellationToken = default) => GuardAsync(async () =>
        {
            var first = await ReadEnergyAsync(buildingId, from, to, carrier, cancellationToken);
            var second = await ReadEnergyAsync(buildingId, otherFrom, otherTo, carrier, cancellationToken);
            var change = first.Kwh - second.Kwh;
            double? percent = second.Kwh > 0 ? change / second.Kwh * 100 : null;
            return new ComparisonResult(
                string.Create(CultureInfo.InvariantCulture, $"{first.Kwh} kWh against {second.Kwh} kWh"), first, second, change, percent);
        });

    private async Task<EnergyResult> ReadEnergyAsync(string? buildingId, string from, string to, string? carrier, CancellationToken cancellationToken)
    {
        var answer = await api.GetAsync<ApiEnergy>(
            $"{Root}/energy",
            [("buildingId", buildingId), ("from", from), ("to", to), ("resolution", "1mo"), ("carrier", carrier)],
            cancellationToken);
        var totals = answer.Value.Totals;
        return new EnergyResult(
            string.Create(CultureInfo.InvariantCulture, $"{totals.Kwh} kWh, coverage {totals.Coverage:0.###}"), answer.Source,
            answer.Value.From, answer.Value.To, totals.Kwh, totals.Cost, totals.Currency, totals.Co2Kg, totals.PeakKw, totals.PeakAt, totals.LoadFactor, totals.EuiKwhPerM2Year,
            totals.Coverage, totals.Notes ?? []);
    }

    /// <summary>What Api refuses is an answer too: the model can put its question right, or say what is wrong.</summary>
    internal static async Task<object> GuardAsync<T>(Func<Task<T>> ask) where T : notnull
    {
        try
        {
            return await ask();
        }
        catch (CityApiException e)
        {
            return new ToolError($"failed: {e.Message}", e.Message, e.Status);
        }
    }

    internal static string AtLeast(bool complete) => complete ? "" : "at least ";

    internal static AIFunction Tool(Delegate method, string name) => AIFunctionFactory.Create(method, new AIFunctionFactoryOptions
    {
        Name = name,
        SerializerOptions = Serializer,
        ExcludeResultSchema = true,
    });

    /// <summary>How tools' arguments and results are written for models.</summary>
    public static readonly JsonSerializerOptions Serializer = JsonDefaults.Options;
}
