namespace CityPulse.Api.Energy.Domain;

/// <summary>Takes what a meter makes of its readings.</summary>
internal interface IEnergySink
{
    void Add(in EnergySegment segment);

    /// <summary>A step that cannot be true (more than the rated power, negative): reported, not counted.</summary>
    void Quarantine(long from, long to);
}

/// <summary>Turns the readings of one sensor, given in order of time, into segments of energy. Nothing is kept but what the next step needs.</summary>
internal abstract class EnergyMeter(MeterSpec spec, IEnergySink sink)
{
    protected MeterSpec Spec { get; } = spec;

    protected IEnergySink Sink { get; } = sink;

    /// <param name="at">UTC ticks, greater than the one before.</param>
    public abstract void Read(long at, double value);

    /// <summary>There are no further readings.</summary>
    public virtual void End()
    {
    }

    public static EnergyMeter Create(MeterSpec spec, IEnergySink sink) => spec.Kind switch
    {
        MeterKind.DeltaFromStart or MeterKind.DeltaToEnd => new DeltaMeter(spec, sink),
        MeterKind.Counter => new CounterMeter(spec, sink),
        MeterKind.PowerLinear or MeterKind.PowerHeld => new PowerMeter(spec, sink),
        _ => throw new ArgumentOutOfRangeException(nameof(spec), spec.Kind, "No such kind of meter."),
    };
}

/// <summary>Each reading is the amount of its own interval.</summary>
/// <remarks>
/// Days and bills are of the calendar: a local day has 23 or 25 hours twice a year, a bill 28 to 35 days. So an interval of a day or
/// more reaches to the neighbouring reading where that is roughly (half to one and a half times) its length away.
/// </remarks>
internal sealed class DeltaMeter(MeterSpec spec, IEnergySink sink) : EnergyMeter(spec, sink)
{
    private long? _previousAt;
    private double _previousValue;

    public override void Read(long at, double value)
    {
        if (!Spec.IsCivil)
        {
            Emit(Spec.Kind == MeterKind.DeltaToEnd ? at - Spec.Interval.Ticks : at, value, Spec.Interval.Ticks);
            return;
        }

        var distance = _previousAt is { } previous && 2 * (at - previous) >= Spec.Interval.Ticks && at - previous <= Spec.Reach
            ? at - previous
            : Spec.Interval.Ticks;
        if (Spec.Kind == MeterKind.DeltaToEnd)
        {
            Emit(at - distance, value, distance);
        }
        else if (_previousAt is { } from)
        {
            Emit(from, _previousValue, distance);
        }

        (_previousAt, _previousValue) = (at, value);
    }

    public override void End()
    {
        if (Spec.IsCivil && Spec.Kind == MeterKind.DeltaFromStart && _previousAt is { } from)
        {
            Emit(from, _previousValue, Spec.Interval.Ticks);
        }
    }

    private void Emit(long from, double value, long length)
    {
        var kWh = value * Spec.ToKWh;
        if (kWh < 0 || Spec.Exceeds(kWh, length))
        {
            Sink.Quarantine(from, from + length);
            return;
        }

        Sink.Add(EnergySegment.Even(from, from + length, kWh, EnergyMethods.Delta));
    }
}

/// <summary>
/// Power integrated between neighbours. Further apart than three intervals there is a gap, not a straight line.
/// Power fed back (below 0) draws nothing.
/// </summary>
internal sealed class PowerMeter(MeterSpec spec, IEnergySink sink) : EnergyMeter(spec, sink)
{
    private long? _previousAt;
    private double _previousKw;

    public override void Read(long at, double value)
    {
        var kw = Math.Max(0, value * Spec.ToKWh);
        if (_previousAt is { } from && at - from <= Spec.LongestStep)
        {
            var segment = EnergySegment.Ramp(from, at, _previousKw, Spec.Kind == MeterKind.PowerHeld ? _previousKw : kw);
            if (Spec.Exceeds(segment.KWh, at - from))
            {
                Sink.Quarantine(from, at);
            }
            else
            {
                Sink.Add(segment);
            }
        }

        _previousAt = at;
        _previousKw = kw;
    }
}
