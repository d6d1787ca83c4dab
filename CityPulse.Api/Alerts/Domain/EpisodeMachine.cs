namespace CityPulse.Api.Alerts.Domain;

/// <summary>A span in which a condition held; times in microseconds since 1970-01-01Z.</summary>
/// <param name="ClearedAt"><see cref="Signal.Never"/> while it lasts.</param>
/// <param name="Value">The value that raised it; null where none had come.</param>
/// <param name="Occurrences">How often the value went beyond the limit, as the deadband and the off-delay join several times into one.</param>
/// <param name="Suppressed">It did not clear: another alert explains it from there on.</param>
internal readonly record struct Episode(long RaisedAt, long ClearedAt, double? Value, int Occurrences, bool Suppressed = false)
{
    public bool IsOver => ClearedAt != Signal.Never;
}

/// <summary>Follows one condition along one sensor's readings, in order of time, and tells the episodes.</summary>
internal sealed class EpisodeMachine
{
    private const byte Format = 1;
    private readonly Signal _signal;
    private double? _last;
    private bool _inAlarm;
    private bool _wasBeyond;
    private long _raisedAt;
    private double? _value;
    private int _occurrences;

    public EpisodeMachine(AlertCondition condition, long anchor = Signal.Never, SensorTraits? traits = null) =>
        _signal = Signal.Of(condition, anchor, traits ?? SensorTraits.Unknown);

    /// <summary>When something happens next if no reading comes before.</summary>
    public long Due => _signal.Due;

    /// <summary>The episode that lasts.</summary>
    public Episode? Open => _inAlarm ? new Episode(_raisedAt, Signal.Never, _value, _occurrences) : null;

    /// <inheritdoc cref="Signal.Learn"/>
    public void Learn(in Sample sample) => _signal.Learn(sample);

    public void Read(in Sample sample, List<Episode> finished)
    {
        // What is due at the very moment of a reading waits for what the reading says.
        while (_signal.Due < sample.At)
        {
            Elapse(_signal.Due, finished);
        }

        if (sample.IsUsable)
        {
            _last = sample.Value;
        }

        _signal.Read(sample);
        Settle(sample.At, finished);
        AdvanceTo(sample.At, finished);
    }

    /// <summary>Lets the time pass until <paramref name="now"/>.</summary>
    public void AdvanceTo(long now, List<Episode> finished)
    {
        while (_signal.Due <= now)
        {
            Elapse(_signal.Due, finished);
        }
    }

    public byte[] Save()
    {
        using var buffer = new MemoryStream(64);
        using var writer = new BinaryWriter(buffer);
        writer.Write(Format);
        writer.Write(_inAlarm);
        writer.Write(_wasBeyond);
        writer.Write(_raisedAt);
        writer.Write(_last ?? double.NaN);
        writer.Write(_value ?? double.NaN);
        writer.Write(_occurrences);
        _signal.Save(writer);
        writer.Flush();
        return buffer.ToArray();
    }

    /// <returns>False when another version saved it; the machine is then of no use.</returns>
    public bool TryLoad(byte[] saved)
    {
        using var reader = new BinaryReader(new MemoryStream(saved));
        if (reader.ReadByte() != Format)
        {
            return false;
        }

        (_inAlarm, _wasBeyond, _raisedAt) = (reader.ReadBoolean(), reader.ReadBoolean(), reader.ReadInt64());
        (_last, _value, _occurrences) = (Number(reader.ReadDouble()), Number(reader.ReadDouble()), reader.ReadInt32());
        _signal.Load(reader);
        return true;

        static double? Number(double value) => double.IsNaN(value) ? null : value;
    }

    private void Elapse(long at, List<Episode> finished)
    {
        _signal.Elapse(at);
        Settle(at, finished);
    }

    private void Settle(long at, List<Episode> finished)
    {
        var isBeyond = _signal.IsBeyond;
        if (_signal.IsOn && !_inAlarm)
        {
            (_inAlarm, _raisedAt, _value, _occurrences) = (true, at, _last, 1);
        }
        else if (!_signal.IsOn && _inAlarm)
        {
            finished.Add(new Episode(_raisedAt, at, _value, _occurrences));
            _inAlarm = false;
        }
        else if (_inAlarm && isBeyond && !_wasBeyond)
        {
            _occurrences++;
        }

        _wasBeyond = isBeyond;
    }
}
