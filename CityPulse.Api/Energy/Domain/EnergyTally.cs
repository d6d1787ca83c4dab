namespace CityPulse.Api.Energy.Domain;

/// <summary>Energy, emissions and coverage of one bucket or of a whole period.</summary>
/// <param name="Coverage">Share of the time, over all meters, of which something is known: 0..1.</param>
internal readonly record struct EnergyFigure(double KWh, double Co2Kg, double Coverage, EnergyMethods Method);

/// <summary>
/// Adds up the segments of any number of meters, cut at the buckets and at the period's edges.
/// Call <see cref="BeginMeter"/> before the segments of each.
/// </summary>
internal sealed class EnergyTally : IEnergySink
{
    private readonly BucketGrid _grid;
    private readonly DemandBlocks? _demand;
    private readonly double[] _kWh;
    private readonly double[] _co2Kg;
    private readonly long[] _coveredTicks;
    private readonly EnergyMethods[] _methods;

    private int _bucket;
    private long _coveredUntil;
    private double _kgPerKWh;
    private bool _cutByPeriod;

    /// <param name="blocks">The quarter hours of the period, when the peak is wanted.</param>
    public EnergyTally(BucketGrid grid, BucketGrid? blocks = null)
    {
        (_grid, _demand) = (grid, blocks is null ? null : new DemandBlocks(blocks));
        _kWh = new double[grid.Count];
        _co2Kg = new double[grid.Count];
        _coveredTicks = new long[grid.Count];
        _methods = new EnergyMethods[grid.Count];
    }

    public int Meters { get; private set; }

    /// <summary>Steps within the period that were left out because they cannot be true.</summary>
    public int Quarantined { get; private set; }

    /// <summary>What has been added up so far.</summary>
    public double TotalKWh { get; private set; }

    public void BeginMeter(double? kgPerKWh)
    {
        Meters++;
        _kgPerKWh = kgPerKWh ?? 0;
        (_bucket, _coveredUntil) = (0, long.MinValue);
        _demand?.BeginMeter();
    }

    public void Add(in EnergySegment segment)
    {
        var from = Math.Max(segment.From, _grid.From);
        var to = Math.Min(segment.To, _grid.To);
        if (from >= to)
        {
            return;
        }

        _bucket = _grid.Find(from, _bucket);
        for (var i = _bucket; i < _grid.Count && _grid[i].From < to; i++)
        {
            var (start, end) = (Math.Max(from, _grid[i].From), Math.Min(to, _grid[i].To));
            var kWh = segment.Within(start, end);
            _kWh[i] += kWh;
            TotalKWh += kWh;
            _co2Kg[i] += kWh * _kgPerKWh;
            _coveredTicks[i] += Math.Max(0, end - Math.Max(start, _coveredUntil));
            _methods[i] |= segment.Method;
            if (segment.LongGap && (start > segment.From || end < segment.To))
            {
                _methods[i] |= EnergyMethods.Estimated;
            }
        }

        _coveredUntil = Math.Max(_coveredUntil, to);
        _cutByPeriod |= segment.LongGap && (segment.From < _grid.From || segment.To > _grid.To);
        _demand?.Add(segment);
    }

    public void Quarantine(long from, long to)
    {
        if (from < _grid.To && to > _grid.From)
        {
            Quarantined++;
        }
    }

    public EnergyFigure this[int bucket]
    {
        get
        {
            var (from, to) = _grid[bucket];
            return new EnergyFigure(_kWh[bucket], _co2Kg[bucket], Coverage(_coveredTicks[bucket], to - from), _methods[bucket]);
        }
    }

    /// <summary>An empty bucket has no item of its own.</summary>
    public bool IsEmpty(int bucket) => _methods[bucket] == EnergyMethods.None;

    public EnergyFigure Total
    {
        get
        {
            // A figure of the whole period is an estimate only where an edge of the period cuts a gap, not where a bucket does.
            var methods = _methods.Aggregate(EnergyMethods.None, (all, m) => all | m);
            if (!_cutByPeriod)
            {
                methods &= ~EnergyMethods.Estimated;
            }

            return new EnergyFigure(_kWh.Sum(), _co2Kg.Sum(), Coverage(_coveredTicks.Sum(), _grid.To - _grid.From), methods);
        }
    }

    public PeakDemand? Peak => _demand?.Peak;

    private double Coverage(long covered, long length) =>
        Meters == 0 ? 0 : Math.Clamp((double)covered / length / Meters, 0, 1);
}
