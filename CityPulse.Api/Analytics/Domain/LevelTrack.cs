namespace CityPulse.Api.Analytics.Domain;

/// <summary>
/// The level of a sensor without its weekly shape: the median of what was normal among the last 48 hours. So a slow trend is followed and a
/// spike is not. When 60 of 72 hours were abnormal, they are the new level: what goes on longer than a weekend is no anomaly any more.
/// </summary>
internal sealed class LevelTrack
{
    private const int Hours = 48;
    private const int HoursUntilAdopted = 72;
    private const int AbnormalUntilAdopted = 60;

    private readonly List<Hour> _hours = new(HoursUntilAdopted + 1);

    private readonly record struct Hour(double Mean, bool IsAbnormal);

    /// <summary>Null before the first hour is over.</summary>
    public double? Level { get; private set; }

    /// <summary>Takes an hour with readings, without its shape.</summary>
    /// <returns>Whether the hour is normal by now.</returns>
    public bool Learn(double mean, bool isAbnormal)
    {
        _hours.Add(new Hour(mean, isAbnormal));
        if (_hours.Count > HoursUntilAdopted)
        {
            _hours.RemoveAt(0);
        }

        var isAdopted = _hours.Count(h => h.IsAbnormal) >= AbnormalUntilAdopted;
        if (isAdopted)
        {
            for (var i = 0; i < _hours.Count; i++)
            {
                _hours[i] = _hours[i] with { IsAbnormal = false };
            }
        }

        Span<double> counting = stackalloc double[Hours];
        var count = 0;
        for (var i = Math.Max(0, _hours.Count - Hours); i < _hours.Count; i++)
        {
            if (!_hours[i].IsAbnormal)
            {
                counting[count++] = _hours[i].Mean;
            }
        }

        Level = Robust.Median(counting[..count]) ?? Level;
        return !isAbnormal || isAdopted;
    }

    public void Save(BinaryWriter writer)
    {
        writer.Write(Level.HasValue);
        writer.Write(Level ?? 0);
        writer.Write((byte)_hours.Count);
        foreach (var hour in _hours)
        {
            writer.Write(hour.Mean);
            writer.Write(hour.IsAbnormal);
        }
    }

    public void Load(BinaryReader reader)
    {
        var hasLevel = reader.ReadBoolean();
        var level = reader.ReadDouble();
        Level = hasLevel ? level : null;
        for (var count = reader.ReadByte(); count > 0; count--)
        {
            var (mean, isAbnormal) = (reader.ReadDouble(), reader.ReadBoolean());
            _hours.Add(new Hour(mean, isAbnormal));
        }
    }
}
