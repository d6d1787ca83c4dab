namespace CityPulse.Api.Energy.Domain;

/// <summary>
/// A cumulative register: differences of neighbours, never negative.
/// <list type="bullet">
/// <item>A drop near the register's maximum is a rollover; another drop below 90 % a reset, which counts from 0.</item>
/// <item>A smaller dip is a glitch of the reading and not energy. A dip, a run of zeros or an impossible jump from which the register
/// comes back (at once or within three readings) is missing data: the difference across it is what was used. Counting the way back
/// up would invent energy.</item>
/// <item>A step beyond the rated power is quarantined.</item>
/// </list>
/// </summary>
internal sealed class CounterMeter(MeterSpec spec, IEnergySink sink) : EnergyMeter(spec, sink)
{
    /// <summary>So many readings are looked at for a doubtful one to be disproved; a query must read as many beyond its edges.</summary>
    public const int LookAhead = 3;

    private const double Near = 0.9;

    private readonly List<(long At, double Value)> _pending = [];
    private (long At, double Value)? _last;

    public override void Read(long at, double value)
    {
        var waiting = _pending.Count > 0;
        _pending.Add((at, value));
        if (waiting && value == 0 && _last is { Value: > 0 })
        {
            return; // One more zero decides nothing, and a year of them must not be looked at again and again.
        }

        Settle(final: false);
    }

    public override void End() => Settle(final: true);

    private void Settle(bool final)
    {
        var next = 0;
        while (next < _pending.Count)
        {
            var reading = _pending[next];
            if (_last is { } last)
            {
                var (amount, doubtful) = Step(last, reading);
                if (doubtful)
                {
                    var (goodAt, decided) = FindReturn(last, next);
                    if (goodAt > next)
                    {
                        next = goodAt;
                        continue;
                    }

                    if (!decided && !final)
                    {
                        break;
                    }
                }

                Emit(last.At, reading.At, amount);
            }

            _last = reading;
            next++;
        }

        _pending.RemoveRange(0, next);
    }

    /// <summary>The amount of one step in kWh, and whether the reading should be believed only if the register does not come back.</summary>
    private (double KWh, bool Doubtful) Step((long At, double Value) from, (long At, double Value) to)
    {
        var difference = to.Value - from.Value;
        double amount;
        if (difference >= 0)
        {
            amount = difference;
        }
        else if (Spec.RegisterMaximum is { } maximum && from.Value >= Near * maximum && from.Value <= maximum && to.Value <= (1 - Near) * maximum)
        {
            amount = maximum - from.Value + Math.Max(0, to.Value);
        }
        else
        {
            amount = to.Value < Near * from.Value ? Math.Max(0, to.Value) : 0;
        }

        var kWh = amount * Spec.ToKWh;
        var dip = difference < 0 && to.Value >= Near * from.Value;
        var zero = to.Value == 0 && from.Value > 0;
        return (kWh, dip || zero || Spec.Exceeds(kWh, to.At - from.At));
    }

    /// <summary>
    /// The first later reading that continues from <paramref name="last"/> as if the doubtful ones had not been.
    /// Zeros do not use up the look-ahead: an outage reads 0 for as long as it lasts.
    /// </summary>
    private (int Index, bool Decided) FindReturn((long At, double Value) last, int doubtful)
    {
        var looked = 0;
        for (var i = doubtful + 1; i < _pending.Count; i++)
        {
            var later = _pending[i];
            if (later.Value >= last.Value && !Spec.Exceeds((later.Value - last.Value) * Spec.ToKWh, later.At - last.At))
            {
                return (i, true);
            }

            if (later.Value != 0 && ++looked == LookAhead)
            {
                return (doubtful, true);
            }
        }

        return (doubtful, false);
    }

    private void Emit(long from, long to, double kWh)
    {
        if (Spec.Exceeds(kWh, to - from))
        {
            Sink.Quarantine(from, to);
            return;
        }

        // The register counted through a gap: the amount is certain, only its place in time is not.
        Sink.Add(EnergySegment.Even(from, to, kWh, EnergyMethods.Counter, longGap: to - from > Spec.LongestStep));
    }
}
