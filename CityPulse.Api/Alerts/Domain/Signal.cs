namespace CityPulse.Api.Alerts.Domain;

/// <summary>A reading as rules see it.</summary>
/// <param name="At">Microseconds since 1970-01-01Z.</param>
/// <param name="IsUsable">A value that its device calls bad says that the device is there, and nothing more.</param>
internal readonly record struct Sample(long At, double Value, bool IsUsable = true);

/// <summary>
/// A condition followed along a sensor's readings: on or off at every moment. Some change by the clock alone; they say when
/// (<see cref="Due"/>) and are told when that moment has come. The whole state can be saved and loaded, so that it is judged
/// onwards from any reading.
/// </summary>
internal abstract class Signal
{
    public const long Never = long.MaxValue;

    /// <summary>On, with deadband and delays.</summary>
    public abstract bool IsOn { get; }

    /// <summary>Beyond the limit itself, without deadband and delays.</summary>
    public virtual bool IsBeyond => IsOn;

    /// <summary>When it changes next if no reading comes before.</summary>
    public virtual long Due => Never;

    public abstract void Read(in Sample sample);

    /// <summary>A reading of before: it teaches what is usual and is not judged.</summary>
    public virtual void Learn(in Sample sample)
    {
    }

    /// <summary>It is <paramref name="at"/>, and <see cref="Due"/> is not later.</summary>
    public virtual void Elapse(long at)
    {
    }

    public abstract void Save(BinaryWriter writer);

    public abstract void Load(BinaryReader reader);

    /// <param name="anchor">From when on silence counts where no reading has come yet; <see cref="Never"/> for not at all.</param>
    public static Signal Of(AlertCondition condition, long anchor, SensorTraits traits) => condition switch
    {
        ThresholdCondition c => Delayed(new LimitSignal(c), c.Delays),
        RateCondition c => Delayed(new RateSignal(c), c.Delays),
        NoDataCondition c => new SilenceSignal(c, anchor),
        AnomalyCondition c => new AnomalySignal(c, traits),
        CombinedCondition c => Delayed(new CombinedSignal(c.All, [.. c.Conditions.Select(part => Of(part, anchor, traits))]), c.Delays),
        _ => throw new ArgumentOutOfRangeException(nameof(condition), condition, "This condition is not about a sensor's readings."),
    };

    private static Signal Delayed(Signal inner, Delays delays) => delays.AreNone ? inner : new DelayedSignal(inner, delays);
}

/// <summary>A value beyond a limit, until it is back across the deadband.</summary>
internal sealed class LimitSignal(ThresholdCondition condition) : Signal
{
    private bool _isOn;
    private bool _isBeyond;

    public override bool IsOn => _isOn;

    public override bool IsBeyond => _isBeyond;

    public override void Read(in Sample sample)
    {
        if (sample.IsUsable)
        {
            _isBeyond = IsPast(sample.Value, condition.Value);
            _isOn = _isBeyond || (_isOn && IsPast(sample.Value, condition.Comparison is Comparison.Above or Comparison.AtLeast
                ? condition.Value - condition.Hysteresis
                : condition.Value + condition.Hysteresis));
        }
    }

    public override void Save(BinaryWriter writer)
    {
        writer.Write(_isOn);
        writer.Write(_isBeyond);
    }

    public override void Load(BinaryReader reader) => (_isOn, _isBeyond) = (reader.ReadBoolean(), reader.ReadBoolean());

    private bool IsPast(double value, double limit) => condition.Comparison switch
    {
        Comparison.Above => value > limit,
        Comparison.AtLeast => value >= limit,
        Comparison.Below => value < limit,
        Comparison.AtMost => value <= limit,
        _ => throw new ArgumentOutOfRangeException(nameof(limit), condition.Comparison, "There is no such comparison."),
    };
}

/// <summary>Silence: no reading for a time. Only the clock can tell.</summary>
internal sealed class SilenceSignal(NoDataCondition condition, long anchor) : Signal
{
    private long _lastAt = anchor;
    private bool _isOn;

    public override bool IsOn => _isOn;

    public override long Due => _isOn || _lastAt == Never ? Never : _lastAt + (condition.AfterSeconds * 1_000_000L);

    public override void Read(in Sample sample) => (_lastAt, _isOn) = (sample.At, false);

    public override void Elapse(long at) => _isOn |= Due <= at;

    public override void Save(BinaryWriter writer)
    {
        writer.Write(_lastAt);
        writer.Write(_isOn);
    }

    public override void Load(BinaryReader reader) => (_lastAt, _isOn) = (reader.ReadInt64(), reader.ReadBoolean());
}

/// <summary>All or any of several.</summary>
internal sealed class CombinedSignal(bool all, Signal[] parts) : Signal
{
    public override bool IsOn => all ? Array.TrueForAll(parts, p => p.IsOn) : Array.Exists(parts, p => p.IsOn);

    public override bool IsBeyond => all ? Array.TrueForAll(parts, p => p.IsBeyond) : Array.Exists(parts, p => p.IsBeyond);

    public override long Due => parts.Min(p => p.Due);

    public override void Read(in Sample sample)
    {
        foreach (var part in parts)
        {
            part.Read(sample);
        }
    }

    public override void Learn(in Sample sample)
    {
        foreach (var part in parts)
        {
            part.Learn(sample);
        }
    }

    public override void Elapse(long at)
    {
        foreach (var part in parts)
        {
            if (part.Due <= at)
            {
                part.Elapse(at);
            }
        }
    }

    public override void Save(BinaryWriter writer)
    {
        foreach (var part in parts)
        {
            part.Save(writer);
        }
    }

    public override void Load(BinaryReader reader)
    {
        foreach (var part in parts)
        {
            part.Load(reader);
        }
    }
}

/// <summary>Follows another signal only when that has held out for a time: the on-delay and the off-delay.</summary>
internal sealed class DelayedSignal(Signal inner, Delays delays) : Signal
{
    private bool _isOn;
    /// <summary>Since when the inner signal differs.</summary>
    private long _since = Never;

    public override bool IsOn => _isOn;

    public override bool IsBeyond => inner.IsBeyond;

    public override long Due => Math.Min(inner.Due, _since == Never ? Never : _since + ((_isOn ? delays.OffSeconds : delays.OnSeconds) * 1_000_000L));

    public override void Read(in Sample sample)
    {
        inner.Read(sample);
        Follow(sample.At);
    }

    public override void Learn(in Sample sample) => inner.Learn(sample);

    public override void Elapse(long at)
    {
        if (inner.Due <= at)
        {
            inner.Elapse(at);
        }

        Follow(at);
    }

    public override void Save(BinaryWriter writer)
    {
        inner.Save(writer);
        writer.Write(_isOn);
        writer.Write(_since);
    }

    public override void Load(BinaryReader reader)
    {
        inner.Load(reader);
        (_isOn, _since) = (reader.ReadBoolean(), reader.ReadInt64());
    }

    private void Follow(long at)
    {
        if (inner.IsOn == _isOn)
        {
            _since = Never;
            return;
        }

        _since = Math.Min(_since, at);
        if (at >= _since + ((_isOn ? delays.OffSeconds : delays.OnSeconds) * 1_000_000L))
        {
            _isOn = inner.IsOn;
            _since = Never;
        }
    }
}
