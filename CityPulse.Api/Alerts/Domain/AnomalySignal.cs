using CityPulse.Api.Analytics.Domain;

namespace CityPulse.Api.Alerts.Domain;

/// <summary>
/// What a sensor's kind and place tell a detector about it.
/// </summary>
/// <param name="Zone">Of the building.</param>
/// <param name="LeastSpread">In the sensor's unit; null where its level decides.</param>
internal sealed record SensorTraits(TimeZoneInfo Zone, double? LeastSpread)
{
    public static readonly SensorTraits Unknown = new(TimeZoneInfo.Utc, null);
}

/// <summary>A reading that is unusual for its sensor, until one that is not.</summary>
internal sealed class AnomalySignal(AnomalyCondition condition, SensorTraits traits) : Signal
{
    private readonly DetectorSettings _settings = new(traits.Zone, traits.LeastSpread, condition.Sensitivity);
    private AnomalyDetector _detector = new(new DetectorSettings(traits.Zone, traits.LeastSpread, condition.Sensitivity));
    private bool _isOn;

    public override bool IsOn => _isOn;

    public override void Learn(in Sample sample)
    {
        if (sample.IsUsable)
        {
            _detector.Observe(At(sample), sample.Value);
        }
    }

    public override void Read(in Sample sample)
    {
        if (sample.IsUsable)
        {
            _isOn = _detector.Observe(At(sample), sample.Value).IsAnomaly;
        }
    }

    public override void Save(BinaryWriter writer)
    {
        writer.Write(_isOn);
        var detector = _detector.Save();
        writer.Write7BitEncodedInt(detector.Length);
        writer.Write(detector);
    }

    public override void Load(BinaryReader reader)
    {
        _isOn = reader.ReadBoolean();
        _detector = AnomalyDetector.Restore(_settings, reader.ReadBytes(reader.Read7BitEncodedInt())) ?? new AnomalyDetector(_settings);
    }

    private static DateTimeOffset At(in Sample sample) => DateTimeOffset.UnixEpoch.AddTicks(sample.At * TimeSpan.TicksPerMicrosecond);
}
