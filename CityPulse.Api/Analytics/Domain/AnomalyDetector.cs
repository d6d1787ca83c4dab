namespace CityPulse.Api.Analytics.Domain;

/// <param name="Expected">What the sensor should have shown; null while nothing is known yet.</param>
/// <param name="Score">Modified z-score, never negative; 0 while too little is known.</param>
internal readonly record struct AnomalyVerdict(double? Expected, double Score, bool IsAnomaly);

/// <param name="Zone">Of the building: the rush hour follows its clock.</param>
/// <param name="LeastSpread">
/// The least MAD, in the sensor's unit (<see cref="LeastSpreads"/>); null takes a hundredth of the sensor's level. Keeps a sensor that hardly
/// ever moves from raising an alarm at its first digit.
/// </param>
internal sealed record DetectorSettings(TimeZoneInfo Zone, double? LeastSpread = null, double Sensitivity = DetectorSettings.DefaultSensitivity)
{
    public const double LeastSensitivity = 1;
    public const double DefaultSensitivity = 5;
    public const double MostSensitivity = 10;

    /// <summary>3.5 by default; four steps of sensitivity halve or double it.</summary>
    public double Threshold { get; } = Robust.OutlierScore * Math.Pow(2, (DefaultSensitivity - Sensitivity) / 4);
}

/// <summary>
/// Tells of each reading of one sensor, as it comes, how unusual it is. The expectation is the sensor's level (<see cref="LevelTrack"/>) plus what
/// the hour of the week adds (<see cref="SeasonalShape"/>); the score is the modified z-score 0.6745·|x − expected|/MAD of Iglewicz and Hoaglin,
/// with a floor under the MAD and one refinement: where the sensor's own deviations have a heavier tail than the normal distribution, 1.5 times
/// their 99.5 % quantile is worth a score of 3.5. A score uses nothing but what came before. What scores above 3.5 teaches nothing (but in the
/// first three days, when everything is news, and when it comes again a week later), whatever the sensitivity, so a higher sensitivity flags the same points and more. About 12 kB at
/// most, and all of it can be stored.
/// </summary>
internal sealed class AnomalyDetector(DetectorSettings settings)
{
    private const byte Format = 1;

    /// <summary>Deviations that make up the spread: three weeks of hourly readings, three and a half days of 5-minute ones.</summary>
    private const int SpreadReadings = 1000;
    private const int ReadingsUntilScored = 24;
    private const double TailQuantile = 0.995;
    private const double TailMargin = 1.5;

    /// <summary>Before a day has been seen nothing is known of its course: scores count half.</summary>
    private const double FirstDayDivisor = 2;
    private static readonly long FirstDay = TimeSpan.TicksPerDay;

    /// <summary>
    /// In the first days everything teaches. So that one wild value does not hide the next thousand, a deviation counts as three times
    /// what would have been an outlier at most: a pattern has grown in after a few readings, a single spike has not.
    /// </summary>
    private const double LargestLesson = 3;
    private static readonly long LearningTime = 3 * TimeSpan.TicksPerDay;

    /// <summary>
    /// When more than a third of the hours of the last weeks were abnormal (which weekends alone are not), the sensor has a new course (lights
    /// that burn by day from now on): the old shape is forgotten, and learning begins anew.
    /// </summary>
    private const double AbnormalUntilForgotten = 0.36;
    private const double MemoryHours = SeasonalShape.Hours;

    /// <summary>Beyond this, numbers are no measurements; sums of them still fit single precision.</summary>
    private const double LargestValue = 1e36;
    private const double LargestScore = 1e6;

    private readonly SeasonalShape _shape = new();
    private readonly LevelTrack _level = new();
    private readonly SortedWindow _deviations = new(SpreadReadings);
    private readonly LocalHours _clock = new(settings.Zone);

    private long _first = long.MaxValue;
    private long _last = long.MinValue;
    private long _learningSince = long.MaxValue;
    private double _abnormalShare;
    private int _lessons;
    private int _sinceLessons;
    private LocalHour _hour;
    private RunningMean _all;
    private RunningMean _normal;

    /// <summary>
    /// Takes the next reading. One that is not later than the one before (late, corrected or doubled) is judged by what is known now and
    /// teaches nothing: it cannot change what was said already.
    /// </summary>
    public AnomalyVerdict Observe(DateTimeOffset at, double value)
    {
        var ticks = at.UtcTicks;
        value = Math.Clamp(value, -LargestValue, LargestValue);
        var hour = _clock.Of(ticks);
        var isNext = ticks > _last;
        if (isNext)
        {
            (_first, _learningSince, _last) = (Math.Min(_first, ticks), Math.Min(_learningSince, ticks), ticks);
            if (hour.Start != _hour.Start)
            {
                FinishHour();
                _hour = hour;
            }
        }

        if (_level.Level is not { } level)
        {
            if (isNext)
            {
                Learn(value, isNormal: true);
            }

            return default;
        }

        var expected = Expected(level, hour, ticks, value);
        var deviation = Math.Abs(value - expected);
        var spread = _deviations.Count < ReadingsUntilScored ? double.PositiveInfinity : Spread(level);
        var score = Score(deviation, spread) / (ticks - _first < FirstDay ? FirstDayDivisor : 1);
        if (isNext)
        {
            var isLearning = ticks - _learningSince < LearningTime;
            var isNormal = isLearning || score <= Robust.OutlierScore;
            Learn(value, isNormal);
            if (isNormal)
            {
                var most = isLearning ? LargestLesson * Robust.OutlierScore * spread / Robust.MadToSigma : double.PositiveInfinity;
                _deviations.Add((float)(most > 0 ? Math.Min(deviation, most) : deviation));
                CountLessons(isLearning);
            }
        }

        return new AnomalyVerdict(expected, score, score > settings.Threshold);
    }

    /// <summary>All that the detector knows, to go on later exactly as if it had not stopped.</summary>
    public byte[] Save()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(Format);
        writer.Write(_first);
        writer.Write(_last);
        writer.Write(_learningSince);
        writer.Write(_abnormalShare);
        writer.Write(_lessons);
        writer.Write(_sinceLessons);
        writer.Write(_hour.Start);
        writer.Write(_hour.Index);
        _all.Save(writer);
        _normal.Save(writer);
        _level.Save(writer);
        _shape.Save(writer);
        writer.Write((ushort)_deviations.Count);
        foreach (var deviation in _deviations.InOrder())
        {
            writer.Write(deviation);
        }

        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>A detector that goes on from <paramref name="state"/>; null when that is damaged or of another version: begin anew then.</summary>
    public static AnomalyDetector? Restore(DetectorSettings settings, byte[] state)
    {
        using var reader = new BinaryReader(new MemoryStream(state, writable: false));
        try
        {
            if (reader.ReadByte() != Format)
            {
                return null;
            }

            var detector = new AnomalyDetector(settings);
            detector.Load(reader);
            return reader.BaseStream.Position == state.Length ? detector : null;
        }
        catch (EndOfStreamException)
        {
            return null;
        }
    }

    private void Load(BinaryReader reader)
    {
        _first = reader.ReadInt64();
        _last = reader.ReadInt64();
        _learningSince = reader.ReadInt64();
        _abnormalShare = reader.ReadDouble();
        _lessons = reader.ReadInt32();
        _sinceLessons = reader.ReadInt32();
        _hour = new LocalHour(reader.ReadInt64(), reader.ReadInt32());
        _all = RunningMean.Load(reader);
        _normal = RunningMean.Load(reader);
        _level.Load(reader);
        _shape.Load(reader);
        for (int count = reader.ReadUInt16(); count > 0; count--)
        {
            _deviations.Add(reader.ReadSingle());
        }
    }

    /// <summary>A sensor goes from hour to hour in a ramp or at a step; the better of the two is expected.</summary>
    private double Expected(double level, LocalHour hour, long ticks, double value)
    {
        var ramp = level + (_shape.Between(hour.HoursOfWeek(ticks)) ?? 0);
        var step = level + (_shape.At(hour.Index) ?? 0);
        return Math.Abs(value - step) < Math.Abs(value - ramp) ? step : ramp;
    }

    /// <summary>The MAD that a score is measured by.</summary>
    private double Spread(double level)
    {
        var mad = Math.Max(_deviations.Quantile(0.5), settings.LeastSpread ?? (Math.Abs(level) / 100));
        var tail = TailMargin * _deviations.Quantile(TailQuantile) * Robust.MadToSigma / Robust.OutlierScore;
        return Math.Max(mad, tail);
    }

    private static double Score(double deviation, double spread) =>
        spread > 0 ? Math.Min(Robust.MadToSigma * deviation / spread, LargestScore) : deviation > 0 ? LargestScore : 0;

    /// <summary>
    /// What the sensor deviated before its course was known says nothing of its spread: as soon as there are as many deviations from after that
    /// time, those from before are forgotten.
    /// </summary>
    private void CountLessons(bool isLearning)
    {
        if (isLearning)
        {
            (_lessons, _sinceLessons) = (Math.Min(_lessons + 1, SpreadReadings), 0);
        }
        else if (_lessons > 0 && ++_sinceLessons >= Math.Max(_lessons, ReadingsUntilScored))
        {
            _deviations.KeepNewest(_sinceLessons);
            (_lessons, _sinceLessons) = (0, 0);
        }
    }

    private void Learn(double value, bool isNormal)
    {
        _all.Add(value);
        if (isNormal)
        {
            _normal.Add(value);
        }
    }

    /// <summary>An hour is over: its mean goes into the level and, when it was normal, into the shape.</summary>
    private void FinishHour()
    {
        if (_all.Count > 0)
        {
            var isAbnormal = _normal.Count * 2 < _all.Count;
            var mean = isAbnormal ? _all.Mean : _normal.Mean;
            _abnormalShare += ((isAbnormal ? 1 : 0) - _abnormalShare) / MemoryHours;
            if (_abnormalShare > AbnormalUntilForgotten)
            {
                _shape.Forget();
                (_learningSince, _abnormalShare) = (_last, 0);
            }

            var isNormal = _level.Learn(mean - (_shape.At(_hour.Index) ?? 0), isAbnormal);
            var aboveLevel = (float)(mean - (_level.Level ?? mean));
            if (isNormal)
            {
                _shape.Learn(_hour.Index, aboveLevel);
            }
            else
            {
                _shape.Suspect(_hour.Index, aboveLevel, Robust.OutlierScore * Spread(_level.Level ?? mean) / Robust.MadToSigma);
            }
        }

        (_all, _normal) = (default, default);
    }
}
