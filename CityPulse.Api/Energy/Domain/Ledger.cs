namespace CityPulse.Api.Energy.Domain;

/// <summary>The energy of meters, cut where buckets begin and where a schedule changes: what a price or a factor is multiplied with.</summary>
internal sealed class Ledger
{
    private readonly long[] _edges;
    private readonly int[] _buckets;
    private readonly int[] _what;
    private readonly double[] _kWh;
    private int _cell;

    public Ledger(BucketGrid grid, StepSchedule schedule)
    {
        var (edges, buckets, what) = (new List<long>(), new List<int>(), new List<int>());
        var step = schedule.Find(grid.From);
        for (var bucket = 0; bucket < grid.Count; bucket++)
        {
            var (at, to) = grid[bucket];
            while (at < to)
            {
                var next = step + 1 < schedule.Count ? schedule.FromOf(step + 1) : long.MaxValue;
                edges.Add(at);
                buckets.Add(bucket);
                what.Add(schedule.WhatOf(step));
                at = Math.Min(next, to);
                step += at == next ? 1 : 0;
            }
        }

        edges.Add(grid.To);
        (_edges, _buckets, _what) = ([.. edges], [.. buckets], [.. what]);
        _kWh = new double[buckets.Count];
    }

    public void Add(in EnergySegment segment)
    {
        var from = Math.Max(segment.From, _edges[0]);
        var to = Math.Min(segment.To, _edges[^1]);
        if (from >= to)
        {
            return;
        }

        // Segments come in order of time but for the next meter, which begins again: look only where the last one was not near.
        if (from < _edges[_cell] || from >= _edges[Math.Min(_cell + 2, _kWh.Length)])
        {
            var found = Array.BinarySearch(_edges, from);
            _cell = found >= 0 ? found : ~found - 1;
        }
        else if (from >= _edges[_cell + 1])
        {
            _cell++;
        }

        for (var i = _cell; i < _kWh.Length && _edges[i] < to; i++)
        {
            _kWh[i] += segment.Within(Math.Max(from, _edges[i]), Math.Min(to, _edges[i + 1]));
        }
    }

    /// <summary>What has been added, by bucket and by what held there; parts without energy are left out.</summary>
    public IEnumerable<(int Bucket, int What, double KWh)> Lines()
    {
        for (var i = 0; i < _kWh.Length; i++)
        {
            if (_kWh[i] > 0)
            {
                yield return (_buckets[i], _what[i], _kWh[i]);
            }
        }
    }
}
