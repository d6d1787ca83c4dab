using CityPulse.Api.Analytics.Domain;
using CityPulse.Api.Energy;
using CityPulse.Api.Http;
using CityPulse.Api.Readings.Domain;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.Api.Analytics;

/// <summary>How two sensors go together.</summary>
/// <param name="Pearson">-1..1 without a lag; null where there are fewer than three common buckets or one of the two is constant.</param>
/// <param name="Pairs">Buckets in which both have a value.</param>
/// <param name="BestLag">Buckets by which <paramref name="B"/> follows <paramref name="A"/> where the correlation is strongest; negative where it runs ahead.</param>
internal sealed record CorrelationResponse(
    Guid A, Guid B, DateTimeOffset From, DateTimeOffset To, string Resolution, double? Pearson, int Pairs,
    int? BestLag, double? BestLagSeconds, double? BestLagPearson, string? Note);

internal static class CorrelationQueries
{
    public static async Task<Results<Read<CorrelationResponse>, ProblemHttpResult>> GetAsync(
        Guid? a, Guid? b, string? from, string? to, string? resolution, SensorSeries series, TimeProvider time, CancellationToken cancellationToken)
    {
        var check = new Validator();
        check.Check(a is not null, "a", "a, the id of a sensor, is required.");
        check.Check(b is not null, "b", "b, the id of a sensor, is required.");
        check.Check(resolution is null or "1m" or "15m" or "1h" or "1d", "resolution", "resolution must be one of 1m, 15m, 1h, 1d.");
        if (check.Failed)
        {
            return check.ToProblem();
        }

        var (period, problem) = EnergyPeriod.Parse(from, to, time.GetUtcNow());
        if (problem is not null)
        {
            return problem;
        }

        var size = Resolutions.Parse(resolution ?? "1h", period.Length)!.Value;
        var (width, longestLag) = Width(size);
        var count = (period.Length / width) + 2;
        if (count > BucketClock.MaxBuckets)
        {
            return Problems.Validation("from", $"The period has more than {BucketClock.MaxBuckets} buckets; shorten it or take a coarser resolution.");
        }

        if (await series.FindAsync(a!.Value, cancellationToken) is not { } first || await series.FindAsync(b!.Value, cancellationToken) is not { } second)
        {
            return Problems.NotFound("sensor");
        }

        var values = new double[2][];
        foreach (var (i, sensor) in new[] { first, second }.Index())
        {
            values[i] = new double[(int)count + 1];
            Array.Fill(values[i], double.NaN);
            foreach (var bucket in await series.ReadBucketsAsync(sensor, period.From, period.To, size, cancellationToken))
            {
                values[i][Place(bucket.Start, period.From, width)] = bucket.Value;
            }
        }

        var pairs = values[0].Zip(values[1]).Count(p => !double.IsNaN(p.First) && !double.IsNaN(p.Second));
        var best = Correlation.Best(values[0], values[1], longestLag);
        var pearson = Correlation.At(values[0], values[1], 0)?.Pearson;
        return Answers.Read(new CorrelationResponse(
            first.Id, second.Id, period.From, period.To, size.Name(), pearson, pairs, best?.Lag, best?.Lag * width.TotalSeconds, best?.Pearson,
            pearson is not null ? null : pairs < 3 ? "There are fewer than three buckets in which both sensors have a value." : "One of the sensors is constant."));
    }

    private static (TimeSpan Width, int LongestLag) Width(Resolution resolution) => resolution switch
    {
        Resolution.Minute => (TimeSpan.FromMinutes(1), 120),
        Resolution.QuarterHour => (TimeSpan.FromMinutes(15), 96),
        Resolution.Hour => (TimeSpan.FromHours(1), 48),
        Resolution.Day => (TimeSpan.FromDays(1), 14),
        _ => throw new ArgumentOutOfRangeException(nameof(resolution), resolution, "There are no such buckets."),
    };

    /// <summary>Days of two zones begin at different instants, and may be an hour long or short: the nearest place is the right one.</summary>
    private static int Place(long start, DateTimeOffset from, TimeSpan width)
    {
        var origin = from.UtcTicks - (from.UtcTicks % width.Ticks);
        var ticks = DateTime.UnixEpoch.Ticks + (start * TimeSpan.TicksPerMicrosecond);
        return Math.Max(0, (int)Math.Round((double)(ticks - origin) / width.Ticks, MidpointRounding.ToEven) + 1);
    }
}
