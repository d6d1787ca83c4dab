using CityPulse.Api.Analytics.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Energy;
using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Http;
using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Sensors.Domain;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Analytics;

/// <summary>Answers both forecasts: of a sensor, and of the energy of a building or the whole portfolio.</summary>
internal sealed class Forecasts(CityDb db, SensorSeries series, EnergyReader energy, TimeProvider time)
{
    private const int DefaultHours = 24;
    /// <summary>Readings of meters that one forecast may go through: about three hundred meters of quarter hours.</summary>
    private const double MaxReadings = 5_000_000;
    /// <summary>A sensor of a building with this tag measures the weather.</summary>
    private const string OutdoorTag = "outdoor";

    public static async Task<Results<Read<SensorForecastResponse>, ProblemHttpResult>> OfSensorAsync(
        Guid? sensorId, int? horizonHours, Forecasts forecasts, CancellationToken cancellationToken)
    {
        var check = new Validator();
        check.Check(sensorId is not null, "sensorId", "sensorId is required.");
        CheckHorizon(check, horizonHours);
        if (check.Failed)
        {
            return check.ToProblem();
        }

        return await forecasts.FindSensorAsync(sensorId!.Value, horizonHours ?? DefaultHours, cancellationToken) is { } forecast
            ? Answers.Read(forecast)
            : Problems.NotFound("sensor");
    }

    public static async Task<Results<Read<EnergyForecastResponse>, ProblemHttpResult>> OfEnergyAsync(
        Guid? buildingId, int? horizonHours, string? carrier, Forecasts forecasts, CancellationToken cancellationToken)
    {
        var check = new Validator();
        check.OneOf("carrier", carrier, EnergyUnits.Carriers);
        CheckHorizon(check, horizonHours);
        if (check.Failed)
        {
            return check.ToProblem();
        }

        var (forecast, problem) = await forecasts.FindEnergyAsync(buildingId, carrier, horizonHours ?? DefaultHours, cancellationToken);
        return forecast is null ? problem! : Answers.Read(forecast);
    }

    private static void CheckHorizon(Validator check, int? hours) =>
        check.Check(hours is null or (>= 1 and <= Forecast.LongestHours), "horizonHours", $"horizonHours must be from 1 to {Forecast.LongestHours}.");

    private async Task<SensorForecastResponse?> FindSensorAsync(Guid id, int horizon, CancellationToken cancellationToken)
    {
        if (await series.FindAsync(id, cancellationToken) is not { } sensor)
        {
            return null;
        }

        var (from, to) = History();
        var buckets = sensor.IntervalSeconds > 3600 ? [] : await series.ReadBucketsAsync(sensor, from, to, Resolution.Hour, cancellationToken);
        // Of an amount an hour is known when nine tenths of its intervals are; a single value tells of a gauge already.
        var needed = sensor.Kind == SensorKinds.Delta ? 0.9 * 3600 / Math.Max(1, sensor.IntervalSeconds) : 1;
        var hours = Unknown(from, to, horizon);
        foreach (var bucket in buckets.Where(b => b.Count >= needed))
        {
            hours[HourOf(from, bucket.Start)] = bucket.Value;
        }

        var (origin, result) = Make(hours, from, sensor.Zone, temperature: null, horizon);
        var note = sensor.IntervalSeconds > 3600
            ? "A forecast by the hour needs a sensor that reports every hour or more often."
            : Note(result, origin, to);
        return new SensorForecastResponse(
            sensor.Id, sensor.Unit, origin, horizon, Name(result.Method), ErrorBands.Share, BeatsNaive(result), ForecastAccuracyResponse.Of(result.Accuracy), note,
            [.. result.Points.Select(p => new ForecastItem(p.At, p.Value, p.Low, p.High))]);
    }

    private async Task<(EnergyForecastResponse? Forecast, ProblemHttpResult? Problem)> FindEnergyAsync(
        Guid? buildingId, string? carrier, int horizon, CancellationToken cancellationToken)
    {
        var buildings = await energy.BuildingsAsync(buildingId, cancellationToken);
        if (buildingId is not null && buildings.Count == 0)
        {
            return (null, Problems.NotFound("building"));
        }

        var (from, to) = History();
        var sensors = await energy.SensorsAsync(buildings, carrier, cancellationToken);
        if (sensors.Sum(s => (to - from) / s.Spec.Interval) > MaxReadings)
        {
            return (null, Problems.Validation("buildingId", "These are too many meters to be forecast at once; ask for one building, or for one carrier."));
        }

        var tally = new EnergyTally(BucketGrid.Create(from, to, EnergyResolution.Hour, TimeZoneInfo.Utc)!);
        await energy.RunAsync(
            sensors,
            new EnergyPeriod(from, to),
            _ =>
            {
                tally.BeginMeter(null);
                return tally;
            },
            cancellationToken);

        var hours = Unknown(from, to, horizon);
        var known = Enumerable.Range(0, hours.Length - horizon).Where(h => tally[h].Coverage > 0).ToList();
        var usual = Robust.Median(known.Select(h => tally[h].Coverage).ToArray()) ?? 0;
        foreach (var hour in known.Where(h => tally[h].Coverage >= 0.9 * usual))
        {
            // An hour in which some meters were silent would look like savings.
            hours[hour] = tally[hour].KWh;
        }

        var zone = Zones.CommonOf(buildings.Select(b => b.TimeZone));
        var outdoors = buildings.Count == 1 ? await OutdoorsAsync(buildings[0].Id, from, to, horizon, zone, cancellationToken) : null;
        var (origin, result) = Make(hours, from, zone, outdoors, horizon);
        return (new EnergyForecastResponse(
            buildingId, carrier, "kWh", origin, horizon, Name(result.Method), ErrorBands.Share, BeatsNaive(result), ForecastAccuracyResponse.Of(result.Accuracy),
            Note(result, origin, to), [.. result.Points.Select(p => new EnergyForecastItem(p.At, p.Value, p.Low, p.High))]), null);
    }

    /// <summary>The building's outdoor temperature in °C, when it has such a sensor.</summary>
    private async Task<HourlySeries?> OutdoorsAsync(
        Guid buildingId, DateTimeOffset from, DateTimeOffset to, int horizon, TimeZoneInfo zone, CancellationToken cancellationToken)
    {
        var sensors = await series.FindAllAsync(
            db.Sensors.Where(s => s.BuildingId == buildingId && s.Quantity == "temperature" && s.Tags.Contains(OutdoorTag)).OrderBy(s => s.Id).Take(1), cancellationToken);
        if (sensors is not [var sensor])
        {
            return null;
        }

        var hours = Unknown(from, to, horizon);
        foreach (var bucket in await series.ReadBucketsAsync(sensor, from, to, Resolution.Hour, cancellationToken))
        {
            hours[HourOf(from, bucket.Start)] = QuantityTable.All[sensor.Quantity].ToBase(bucket.Value, sensor.Unit);
        }

        return new HourlySeries(from, hours, zone);
    }

    private static (DateTimeOffset? Origin, ForecastResult Result) Make(
        double[] hours, DateTimeOffset from, TimeZoneInfo zone, HourlySeries? temperature, int horizon)
    {
        var origin = hours.Length;
        while (origin > 0 && double.IsNaN(hours[origin - 1]))
        {
            origin--;
        }

        var known = new HourlySeries(from, hours, zone);
        var result = Forecast.Make(known, temperature, origin, horizon);
        return (origin > 0 ? known.TimeOf(origin) : null, result);
    }

    /// <summary>Whole hours up to now.</summary>
    private (DateTimeOffset From, DateTimeOffset To) History()
    {
        var now = time.GetUtcNow();
        var to = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerHour), TimeSpan.Zero);
        return (to.AddDays(-Forecast.HistoryDays), to);
    }

    private static double[] Unknown(DateTimeOffset from, DateTimeOffset to, int horizon)
    {
        var hours = new double[(int)(to - from).TotalHours + horizon];
        Array.Fill(hours, double.NaN);
        return hours;
    }

    private static int HourOf(DateTimeOffset from, long microseconds) =>
        (int)((microseconds - (from.ToUnixTimeSeconds() * 1_000_000)) / 3_600_000_000);

    private static bool? BeatsNaive(ForecastResult result) => result.Method == ForecastMethod.Regression ? true : result.RegressionAccuracy is null ? null : false;

    private static string Name(ForecastMethod method) => method switch
    {
        ForecastMethod.Regression => "regression",
        ForecastMethod.SeasonalNaiveWeek => "seasonal_naive_week",
        ForecastMethod.SeasonalNaiveDay => "seasonal_naive_day",
        ForecastMethod.None => "none",
        _ => throw new ArgumentOutOfRangeException(nameof(method), method, "There is no such method."),
    };

    private static string? Note(ForecastResult result, DateTimeOffset? origin, DateTimeOffset to)
    {
        var late = origin < to.AddHours(-3) ? $"The newest data are {(to - origin.Value).TotalHours:0} hours old; the forecast begins where they end. " : "";
        var method = result.Method switch
        {
            ForecastMethod.Regression => "",
            ForecastMethod.None => "There are not 14 days of data in the last months, or too little in common from day to day.",
            _ when result.RegressionAccuracy is null => "There is too little history to judge a model by; this is what the same hour of the season before was.",
            _ => "No model beat the seasonal naive forecast here; this is the naive one.",
        };
        var note = (late + method).TrimEnd();
        return note.Length > 0 ? note : null;
    }
}
