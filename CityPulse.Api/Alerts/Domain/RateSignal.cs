namespace CityPulse.Api.Alerts.Domain;

/// <summary>
/// The value differs from one of the last minutes by more than allowed. Where no reading lies within those minutes, the change
/// since the last one counts, scaled to them: slow sensors are judged as well.
/// </summary>
internal sealed class RateSignal(RateCondition condition) : Signal
{
    private readonly long _window = (long)(condition.PerMinutes * 60_000_000);
    // Only those that can still be the smallest or the largest of the window, values rising and falling from the front.
    private readonly LinkedList<Sample> _smallest = [];
    private readonly LinkedList<Sample> _largest = [];
    private Sample? _last;
    private bool _isOn;

    public override bool IsOn => _isOn;

    public override void Read(in Sample sample)
    {
        if (!sample.IsUsable)
        {
            return;
        }

        Forget(_smallest, sample.At - _window);
        Forget(_largest, sample.At - _window);
        _isOn = Change(sample) > condition.Value;
        Keep(_smallest, sample, (kept, now) => kept >= now);
        Keep(_largest, sample, (kept, now) => kept <= now);
        _last = sample;
    }

    private double Change(in Sample sample)
    {
        if (_smallest.First is { } smallest && _largest.First is { } largest)
        {
            return Math.Max(sample.Value - smallest.Value.Value, largest.Value.Value - sample.Value);
        }

        return _last is { } last ? Math.Abs(sample.Value - last.Value) * _window / (sample.At - last.At) : 0;
    }

    private static void Forget(LinkedList<Sample> list, long before)
    {
        while (list.First is { } first && first.Value.At < before)
        {
            list.RemoveFirst();
        }
    }

    private static void Keep(LinkedList<Sample> list, in Sample sample, Func<double, double, bool> isOutdone)
    {
        while (list.Last is { } last && isOutdone(last.Value.Value, sample.Value))
        {
            list.RemoveLast();
        }

        list.AddLast(sample);
    }

    public override void Save(BinaryWriter writer)
    {
        writer.Write(_isOn);
        Save(writer, _last is { } last ? new LinkedList<Sample>([last]) : []);
        Save(writer, _smallest);
        Save(writer, _largest);
    }

    public override void Load(BinaryReader reader)
    {
        _isOn = reader.ReadBoolean();
        var last = new LinkedList<Sample>();
        Load(reader, last);
        _last = last.First?.Value;
        Load(reader, _smallest);
        Load(reader, _largest);
    }

    private static void Save(BinaryWriter writer, LinkedList<Sample> samples)
    {
        writer.Write7BitEncodedInt(samples.Count);
        foreach (var sample in samples)
        {
            writer.Write(sample.At);
            writer.Write(sample.Value);
        }
    }

    private static void Load(BinaryReader reader, LinkedList<Sample> samples)
    {
        samples.Clear();
        for (var count = reader.Read7BitEncodedInt(); count > 0; count--)
        {
            samples.AddLast(new Sample(reader.ReadInt64(), reader.ReadDouble()));
        }
    }
}
