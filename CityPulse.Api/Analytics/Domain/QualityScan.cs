namespace CityPulse.Api.Analytics.Domain;

/// <summary>A stretch without readings.</summary>
/// <param name="Missing">How many readings should have come in it.</param>
internal readonly record struct QualityGap(DateTimeOffset From, DateTimeOffset To, long Missing);

/// <summary>The same value again and again.</summary>
internal readonly record struct StuckValue(DateTimeOffset From, DateTimeOffset To, double Value, int Count);

/// <summary>One reading far from its neighbours.</summary>
internal readonly record struct Spike(DateTimeOffset At, double Value, double Expected, double Score);

/// <summary>What the times of the readings tell of the device's clock.</summary>
/// <param name="OffsetSeconds">How far they lie behind full intervals; negative where before.</param>
/// <param name="DriftSecondsPerDay">How fast that changes; null with less than three days.</param>
/// <param name="JitterSeconds">How much single readings differ from it.</param>
internal readonly record struct ClockSkew(double OffsetSeconds, double? DriftSecondsPerDay, double JitterSeconds);

/// <param name="Expected">Readings that the interval asks for in the period.</param>
/// <param name="Completeness">0..1; more readings than asked for do not make up for a gap.</param>
internal sealed record SensorQuality(
    long Expected, int Received, double Completeness, int GapCount, long LongestGapSeconds, IReadOnlyList<QualityGap> Gaps,
    IReadOnlyList<StuckValue> Stuck, int SpikeCount, IReadOnlyList<Spike> Spikes, ClockSkew? Clock);

/// <summary>Looks over one sensor's readings of a period, given in order of time. UTC ticks.</summary>
/// <param name="isZeroCommon">Whether the quantity rests at 0: a lamp that is off is not stuck.</param>
/// <param name="leastSpread">As in <see cref="DetectorSettings"/>.</param>
internal sealed class QualityScan(long interval, long from, long to, bool isZeroCommon, double? leastSpread)
{
    /// <summary>Longest lists of single findings; the counts are of all.</summary>
    public const int MaxFindings = 100;

    private const double GapIntervals = 1.5;
    private const int StuckReadings = 12;
    private static readonly long StuckTime = 3 * TimeSpan.TicksPerHour;

    private readonly List<QualityGap> _gaps = [];
    private readonly List<StuckValue> _stuck = [];
    private readonly List<(long At, double Value)> _readings = [];
    private int _gapCount;
    private long _missing;
    private long _longestGap;
    private (long From, long To, double Value, int Count) _run;

    public void Add(long at, double value)
    {
        if (_readings.Count == 0)
        {
            Gap(from, at, (at - from) / interval);
        }
        else if (at - _readings[^1].At > GapIntervals * interval)
        {
            var before = _readings[^1].At;
            Gap(before + interval, at, (long)Math.Round((double)(at - before) / interval) - 1);
        }

        if (_run.Count > 0 && value.Equals(_run.Value))
        {
            _run = _run with { To = at, Count = _run.Count + 1 };
        }
        else
        {
            EndRun();
            _run = (at, at, value, 1);
        }

        _readings.Add((at, value));
    }

    public SensorQuality End()
    {
        EndRun();
        var expected = Math.Max(1, (to - from) / interval);
        if (_readings.Count == 0)
        {
            Gap(from, to, expected);
        }
        else
        {
            var next = _readings[^1].At + interval;
            Gap(next, to, (to - next + interval - 1) / interval);
        }

        var spikes = Spikes();
        return new SensorQuality(
            expected, _readings.Count, Math.Clamp(1 - ((double)_missing / expected), 0, 1), _gapCount, _longestGap / TimeSpan.TicksPerSecond, _gaps,
            _stuck, spikes.Count, [.. spikes.Take(MaxFindings)], Clock());
    }

    private void Gap(long start, long end, long missing)
    {
        if (missing <= 0)
        {
            return;
        }

        _missing += missing;
        _gapCount++;
        _longestGap = Math.Max(_longestGap, end - start);
        if (_gaps.Count < MaxFindings)
        {
            _gaps.Add(new QualityGap(Time(start), Time(end), missing));
        }
    }

    private void EndRun()
    {
        if (_run.Count >= StuckReadings && _run.To - _run.From >= Math.Min(StuckTime, (StuckReadings - 1) * interval)
            && !(isZeroCommon && _run.Value == 0) && _stuck.Count < MaxFindings)
        {
            _stuck.Add(new StuckValue(Time(_run.From), Time(_run.To), _run.Value, _run.Count));
        }

        _run = default;
    }

    /// <summary>A Hampel filter: each reading against the median of the two before it and the two behind it, by the spread of all such differences.</summary>
    private List<Spike> Spikes()
    {
        if (_readings.Count < 10)
        {
            return [];
        }

        Span<double> near = stackalloc double[4];
        var (expected, deviations) = (new double[_readings.Count], new double[_readings.Count]);
        for (var i = 2; i < _readings.Count - 2; i++)
        {
            (near[0], near[1], near[2], near[3]) = (_readings[i - 2].Value, _readings[i - 1].Value, _readings[i + 1].Value, _readings[i + 2].Value);
            expected[i] = Robust.Median(near)!.Value;
            deviations[i] = Math.Min(Math.Abs(_readings[i].Value - expected[i]), double.MaxValue);
        }

        var sorted = deviations[2..^2];
        var level = Robust.Median(_readings.Select(r => Math.Abs(r.Value)).ToArray())!.Value;
        var mad = Math.Max(Robust.Median(sorted)!.Value, leastSpread ?? (level / 100));
        // Of a heavy tail the largest differences are no spikes but the nature of the sensor: three times what one in a hundred exceeds is one.
        var tail = sorted[^(1 + Math.Max(Math.Min(3, sorted.Length - 1), sorted.Length / 100))];
        var spread = Math.Max(mad, 3 * tail * Robust.MadToSigma / Robust.OutlierScore);
        var spikes = new List<Spike>();
        for (var i = 2; i < _readings.Count - 2; i++)
        {
            var score = spread > 0 ? Robust.MadToSigma * deviations[i] / spread : 0;
            // The neighbours of a spike have it among their own neighbours; a spike stands out on both sides.
            if (score > Robust.OutlierScore && IsPeak(i))
            {
                spikes.Add(new Spike(Time(_readings[i].At), _readings[i].Value, expected[i], Math.Min(score, 1e6)));
            }
        }

        return spikes;
    }

    private bool IsPeak(int i)
    {
        var (before, value, after) = (_readings[i - 1].Value, _readings[i].Value, _readings[i + 1].Value);
        return (value > before && value > after) || (value < before && value < after);
    }

    /// <summary>Null where the times follow no interval. Circular statistics: 23:59:58 and 00:00:02 lie four seconds apart.</summary>
    private ClockSkew? Clock()
    {
        var days = _readings.GroupBy(r => r.At / TimeSpan.TicksPerDay)
            .Select(day => (Day: day.Key, Mean: Circle.Mean(day.Select(r => Angle(r.At))), Count: day.Count())).ToList();
        if (_readings.Count < 10 || days.Exists(d => d.Mean is null))
        {
            return null;
        }

        // From day to day the phase moves the short way round.
        var phases = new List<(double Day, double Phase)>();
        foreach (var (day, mean, _) in days)
        {
            var phase = mean!.Value;
            phases.Add((day, phases.Count == 0 ? phase : phases[^1].Phase + Circle.Shortest(phase - phases[^1].Phase)));
        }

        var seconds = (double)interval / TimeSpan.TicksPerSecond / Circle.Full;
        var slopes = phases.Count < 3 ? [] : phases.Skip(phases.Count / 2).Zip(phases, (b, a) => (b.Phase - a.Phase) / (b.Day - a.Day)).ToArray();
        var byDay = days.ToDictionary(d => d.Day, d => d.Mean!.Value);
        var jitter = _readings.Select(r => Math.Abs(Circle.Shortest(Angle(r.At) - byDay[r.At / TimeSpan.TicksPerDay]))).ToArray();
        return new ClockSkew(
            Circle.Shortest(Robust.Median(phases.Select(p => p.Phase).ToArray())!.Value) * seconds,
            Robust.Median(slopes) * seconds,
            Robust.Median(jitter)!.Value * seconds);
    }

    private double Angle(long at) => Circle.Full * (at % interval) / interval;

    private static DateTimeOffset Time(long ticks) => new(ticks, TimeSpan.Zero);
}

/// <summary>Means of angles, in radians.</summary>
internal static class Circle
{
    public const double Full = 2 * Math.PI;

    /// <summary>Angles that point everywhere have no mean.</summary>
    private const double Scattered = 0.5;

    public static double? Mean(IEnumerable<double> angles)
    {
        var (count, x, y) = (0, 0.0, 0.0);
        foreach (var angle in angles)
        {
            (count, x, y) = (count + 1, x + Math.Cos(angle), y + Math.Sin(angle));
        }

        return count > 0 && Math.Sqrt((x * x) + (y * y)) / count > Scattered ? Math.Atan2(y, x) : null;
    }

    /// <summary>The same angle in −π..π.</summary>
    public static double Shortest(double angle) => angle - (Full * Math.Round(angle / Full));
}
