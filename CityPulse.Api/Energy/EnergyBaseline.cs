using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Http;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.Api.Energy;

/// <summary>A question that was found good.</summary>
internal sealed record BaselineQuestion(
    Guid BuildingId, EnergyPeriod Baseline, EnergyPeriod Report, string? Carrier, Guid? TemperatureSensorId, bool? Monthly)
{
    public const string Daily = "daily";
    public const string ByMonth = "monthly";
    private const int MaxDays = 366 * 6;

    public static (BaselineQuestion? Question, ProblemHttpResult? Problem) Parse(BaselineQuery query)
    {
        var check = new Validator();
        check.Check(query.BuildingId is not null, "buildingId", "buildingId is required.");
        var baseline = EnergyPeriod.Require(check, "baselineFrom", query.BaselineFrom, "baselineTo", query.BaselineTo);
        var report = EnergyPeriod.Require(check, "reportFrom", query.ReportFrom, "reportTo", query.ReportTo);
        check.Check(!(report?.From < baseline?.To), "reportFrom", "reportFrom must not be before baselineTo.");
        check.Check(!(baseline?.Length.TotalDays > MaxDays), "baselineFrom", $"The baseline must have at most {MaxDays} days.");
        check.Check(!(report?.Length.TotalDays > MaxDays), "reportFrom", $"The reporting period must have at most {MaxDays} days.");
        check.OneOf("carrier", query.Carrier, EnergyUnits.Carriers);
        check.OneOf("granularity", query.Granularity, [Daily, ByMonth]);
        return check.Failed
            ? (null, check.ToProblem())
            : (new BaselineQuestion(
                query.BuildingId!.Value, baseline!.Value, report!.Value, query.Carrier, query.TemperatureSensorId,
                query.Granularity is null ? null : query.Granularity == ByMonth), null);
    }
}

/// <summary>Compares metered use with what a model of an earlier period expects under the same weather.</summary>
internal sealed class EnergyBaseline(EnergyReader reader, WeatherReader weather)
{
    private const string GaveUp = "no savings are stated";

    public async Task<(BaselineResponse? Answer, ProblemHttpResult? Problem)> GetAsync(BaselineQuestion question, CancellationToken cancellationToken)
    {
        if (await reader.BuildingsAsync(question.BuildingId, cancellationToken) is not [var building])
        {
            return (null, Problems.NotFound("building"));
        }

        var found = await weather.FindSensorAsync(building.Id, question.TemperatureSensorId, cancellationToken);
        if (found is null && question.TemperatureSensorId is not null)
        {
            return (null, Problems.Validation("temperatureSensorId", "There is no such temperature sensor."));
        }

        var meters = await reader.SensorsAsync([building], question.Carrier, cancellationToken);
        var monthly = question.Monthly ?? meters.Any(m => m.Spec.Kind is MeterKind.DeltaFromStart or MeterKind.DeltaToEnd && m.Spec.Interval > TimeSpan.FromDays(1));
        if (found is not { } sensor)
        {
            return (Unknown(question, monthly, "The building has no outdoor temperature sensor: tag one with outdoor, or name one by temperatureSensorId."), null);
        }

        var zone = TimeZoneInfo.FindSystemTimeZoneById(building.TimeZone);
        var baseline = await ObserveAsync(meters, sensor, question.Baseline, zone, monthly, cancellationToken);
        var report = await ObserveAsync(meters, sensor, question.Report, zone, monthly, cancellationToken);
        return (Conclude(question, sensor, monthly, baseline, report), null);
    }

    private async Task<List<BaselineObservation>> ObserveAsync(
        List<EnergySensor> meters, WeatherSensor sensor, EnergyPeriod period, TimeZoneInfo zone, bool monthly, CancellationToken cancellationToken)
    {
        var grid = BucketGrid.Create(period.From, period.To, EnergyResolution.Day, zone)!;
        var tally = new EnergyTally(grid);
        var bills = new Bills();
        var billed = monthly && meters is [{ Spec.IsCivil: true, Spec.Kind: MeterKind.DeltaFromStart or MeterKind.DeltaToEnd }];
        await reader.RunAsync(
            meters,
            period,
            _ =>
            {
                tally.BeginMeter(kgPerKWh: null);
                return billed ? new Fan(tally, bills) : tally;
            },
            cancellationToken);
        var days = await weather.DaysAsync(sensor, period, zone, cancellationToken);
        return billed ? Observations.OfBills(bills.Segments, period.From, period.To, days, zone)
            : monthly ? Observations.OfMonths(Observations.OfDays(grid, tally, days, zone))
            : Observations.OfDays(grid, tally, days, zone);
    }

    private static BaselineResponse Conclude(
        BaselineQuestion question, WeatherSensor sensor, bool monthly, List<BaselineObservation> baseline, List<BaselineObservation> report)
    {
        var answer = Unknown(question, monthly) with
        {
            TemperatureSensorId = sensor.Id,
            Baseline = Period(question.Baseline, baseline),
            Report = Period(question.Report, report),
        };
        if (BaselineModel.Search(baseline) is not { } model || report.Count == 0)
        {
            return answer with
            {
                Reasons = [$"There are {baseline.Count} and {report.Count} days, months or bills of which energy and outdoor temperature are known; {GaveUp}."],
            };
        }

        var fit = BaselineFit.Of(model, baseline, monthly);
        var failures = fit.Failures();
        answer = answer with
        {
            Accepted = failures.Count == 0,
            Reasons = failures.Count == 0 ? [] : [.. failures, $"After ASHRAE Guideline 14 the model is not good enough; {GaveUp}."],
            Model = new BaselineModelResponse(
                model.Name, model.Kind == DegreeDayKind.Hourly ? "hourly" : "daily_mean", model.InterceptKWh,
                model.HeatingBalanceC, model.HeatingBalanceC is null ? null : model.HeatingKWhPerDegreeDay,
                model.CoolingBalanceC, model.CoolingBalanceC is null ? null : model.CoolingKWhPerDegreeDay),
            CvRmse = fit.CvRmse,
            Nmbe = fit.Nmbe,
            R2 = fit.R2,
            MonthlyCvRmse = fit.MonthlyCvRmse,
            MonthlyNmbe = fit.MonthlyNmbe,
            Autocorrelation = fit.Autocorrelation,
            MeteredKwh = report.Sum(o => o.KWh),
            Notes = Notes(sensor, baseline, report),
        };
        return answer.Accepted ? WithSavings(answer, model, fit, baseline, report) : answer;
    }

    private static BaselineResponse WithSavings(
        BaselineResponse answer, BaselineModel model, BaselineFit fit, List<BaselineObservation> baseline, List<BaselineObservation> report)
    {
        var metered = report.Sum(o => o.KWh);
        var expected = report.Sum(model.PredictKWh);
        var savings = expected - metered;
        var uncertainty = fit.UncertaintyKWh(expected, report.Count);
        var normalized = NormalizedSavings.Of(model, baseline, report);
        var significant = Math.Abs(savings) > uncertainty;
        var notes = new Dictionary<string, string>(answer.Notes);
        if (!significant)
        {
            notes["significant"] = "The difference is within its uncertainty: no savings can be claimed.";
        }

        return answer with
        {
            ExpectedKwh = expected,
            SavingsKwh = savings,
            SavingsShare = expected > 0 ? savings / expected : null,
            SavingsUncertaintyKwh = uncertainty,
            FractionalSavingsUncertainty = savings == 0 ? null : uncertainty / Math.Abs(savings),
            Significant = significant,
            NormalizedSavingsShare = normalized?.Share,
            NormalizedSavingsUncertainty = normalized?.Uncertainty,
            Items = [.. report.Select(o => new BaselineItem(o.From, o.Days.Count, o.KWh, model.PredictKWh(o), o.Days.Average(d => d.MeanC)))],
            Notes = notes,
        };
    }

    private static Dictionary<string, string> Notes(WeatherSensor sensor, List<BaselineObservation> baseline, List<BaselineObservation> report)
    {
        var notes = new Dictionary<string, string>
        {
            ["savingsKwh"] = "What changed beside the weather (other use, other people) shows as savings too, for better or worse.",
        };
        if (!sensor.Tagged)
        {
            notes["temperatureSensorId"] = "The building's only temperature sensor was taken for the outdoor temperature; tag it with outdoor if it is.";
        }

        if (baseline.Sum(o => o.Days.Count) < 328)
        {
            notes["baseline"] = "The baseline has less than nine tenths of a year: seasons that it did not see are extrapolated.";
        }

        if (report.Count > 0 && baseline.Count > 0
            && (report.Min(Coldest) < baseline.Min(Coldest) - 3 || report.Max(Warmest) > baseline.Max(Warmest) + 3))
        {
            notes["expectedKwh"] = "The reporting period has days more than 3 K colder or warmer than any of the baseline.";
        }

        return notes;

        static double Coldest(BaselineObservation o) => o.Days.Min(d => d.MeanC);
        static double Warmest(BaselineObservation o) => o.Days.Max(d => d.MeanC);
    }

    private static BaselineResponse Unknown(BaselineQuestion question, bool monthly, params string[] reasons) => new(
        question.BuildingId, question.Carrier, monthly ? BaselineQuestion.ByMonth : BaselineQuestion.Daily, TemperatureSensorId: null,
        Accepted: false, reasons, Period(question.Baseline, []), Period(question.Report, []), Model: null,
        null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, [], new Dictionary<string, string>());

    private static BaselinePeriod Period(EnergyPeriod period, List<BaselineObservation> observations) =>
        new(period.From, period.To, observations.Count, observations.Sum(o => o.Days.Count), observations.Sum(o => o.KWh));

    /// <summary>Keeps the steps of one meter whose readings are bills.</summary>
    private sealed class Bills : IEnergySink
    {
        public List<EnergySegment> Segments { get; } = [];

        public void Add(in EnergySegment segment) => Segments.Add(segment);

        public void Quarantine(long from, long to)
        {
        }
    }
}
