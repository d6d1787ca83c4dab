namespace CityPulse.Samples.Domain;

/// <summary>
/// A series laid over the present by its clock: an endless, strictly increasing run of readings. The shift is made in the civil
/// time of the source, so a rush hour at eight stays at eight when the target week has another offset from UTC. An hour that the target
/// day lacks (spring) is left out, of an hour that it has twice (autumn) the first one is taken.
/// </summary>
internal sealed class Timeline(IReadOnlyList<SourceRow> rows, SeriesClock clock, TimeZoneInfo zone)
{
    /// <summary>Readings later than <paramref name="after"/>, oldest first; all of them when there is none.</summary>
    public IEnumerable<(DateTimeOffset At, double Value)> After(DateTimeOffset? after)
    {
        var end = LowerBound(clock.Last.AddTicks(1));
        var repeatStart = LowerBound(clock.Last.AddDays(-clock.RepeatDays).AddTicks(1));
        if (end == 0)
        {
            yield break;
        }

        var afterCivil = after is { } time ? TimeZoneInfo.ConvertTime(time, zone).DateTime : DateTime.MinValue;
        var cycle = FirstCycle(afterCivil);
        do
        {
            var shift = TimeSpan.FromDays((7.0 * clock.ShiftWeeks) + ((double)cycle * clock.RepeatDays));
            for (var i = StartIndex(cycle == 0 ? 0 : repeatStart, afterCivil, shift); i < end; i++)
            {
                var civil = rows[i].Time + shift;
                if (zone.IsInvalidTime(civil))
                {
                    continue;
                }

                var at = new DateTimeOffset(civil, OffsetOf(civil)).ToUniversalTime();
                if (after is null || at > after)
                {
                    yield return (at, rows[i].Value);
                }
            }

            cycle++;
        }
        while (repeatStart < end);
    }

    /// <summary>The cycle that holds <paramref name="afterCivil"/>; one earlier for safety costs a look at rows that the filter drops.</summary>
    private int FirstCycle(DateTime afterCivil)
    {
        if (afterCivil == DateTime.MinValue)
        {
            return 0;
        }

        var beyond = (afterCivil - clock.Last.AddDays(7 * clock.ShiftWeeks)).TotalDays;
        return Math.Max(0, (int)(beyond / clock.RepeatDays) - 1);
    }

    /// <summary>A civil time may repeat or vanish around a clock change, hence the day of slack; the exact filter is on UTC.</summary>
    private int StartIndex(int least, DateTime afterCivil, TimeSpan shift) =>
        afterCivil == DateTime.MinValue ? least : Math.Max(least, LowerBound(afterCivil.AddDays(-1) - shift));

    private TimeSpan OffsetOf(DateTime civil) =>
        zone.IsAmbiguousTime(civil) ? zone.GetAmbiguousTimeOffsets(civil).Max() : zone.GetUtcOffset(civil);

    private int LowerBound(DateTime time)
    {
        int low = 0, high = rows.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (rows[middle].Time < time)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
