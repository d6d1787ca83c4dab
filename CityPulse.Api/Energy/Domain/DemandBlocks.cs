namespace CityPulse.Api.Energy.Domain;

/// <summary>The largest block average of a period.</summary>
internal readonly record struct PeakDemand(double Kw, DateTimeOffset At);

/// <summary>The energy of blocks of a quarter of an hour (or of 30 or 60 minutes), of which demand is the average power.</summary>
internal sealed class DemandBlocks(BucketGrid blocks)
{
    private readonly double[] _kWh = new double[blocks.Count];
    private int _block;

    /// <summary>The next segments are of another meter: they begin again.</summary>
    public void BeginMeter() => _block = 0;

    public void Add(in EnergySegment segment)
    {
        var from = Math.Max(segment.From, blocks.From);
        var to = Math.Min(segment.To, blocks.To);
        if (from >= to)
        {
            return;
        }

        _block = blocks.Find(from, _block);
        for (var i = _block; i < blocks.Count && blocks[i].From < to; i++)
        {
            _kWh[i] += segment.Within(Math.Max(from, blocks[i].From), Math.Min(to, blocks[i].To));
        }
    }

    /// <summary>Null where nothing was used.</summary>
    public PeakDemand? Peak
    {
        get
        {
            PeakDemand? peak = null;
            for (var i = 0; i < _kWh.Length; i++)
            {
                if (Kw(i) is var kw && kw > (peak?.Kw ?? 0))
                {
                    peak = new PeakDemand(kw, blocks.StartOf(i));
                }
            }

            return peak;
        }
    }

    /// <summary>The peak of each month of the zone in which something was used, in order.</summary>
    public IReadOnlyList<(DateOnly Month, PeakDemand Peak)> PeaksByMonth(TimeZoneInfo zone)
    {
        var peaks = new List<(DateOnly Month, PeakDemand Peak)>();
        var (month, until) = (default(DateOnly), long.MinValue);
        for (var i = 0; i < _kWh.Length; i++)
        {
            if (_kWh[i] <= 0)
            {
                continue;
            }

            // A block that the period cuts is of the month in which its part of the period begins.
            var from = blocks[i].From;
            if (from >= until)
            {
                var day = CivilTime.DayOf(new DateTimeOffset(from, TimeSpan.Zero), zone);
                month = new DateOnly(day.Year, day.Month, 1);
                until = CivilTime.StartOf(month.AddMonths(1), zone).UtcTicks;
            }

            var peak = new PeakDemand(Kw(i), blocks.StartOf(i));
            if (peaks.Count == 0 || peaks[^1].Month != month)
            {
                peaks.Add((month, peak));
            }
            else if (peak.Kw > peaks[^1].Peak.Kw)
            {
                peaks[^1] = (month, peak);
            }
        }

        return peaks;
    }

    /// <summary>A block that the period cuts is averaged over the part that is in the period.</summary>
    private double Kw(int block)
    {
        var (from, to) = blocks[block];
        return _kWh[block] / EnergySegment.Hours(to - from);
    }
}
