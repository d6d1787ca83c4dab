namespace CityPulse.Api.Readings.Ingest;

/// <summary>Why one row is not stored. The others of its batch are.</summary>
internal enum RowFault : byte
{
    None,
    UnknownSensor,
    NotFinite,
    OutOfRange,
    InFuture,
    TooOld,
    InvalidTime,
    InvalidValue,
    InvalidQuality,
    /// <summary>Measured in a unit of another dimension than the sensor's.</summary>
    InvalidUnit,
    /// <summary>A part of SenML that no sensor here can have: text, data, a Boolean, a sum.</summary>
    Unsupported,
    /// <summary>Beyond what the sensor can have measured; held until a person decides.</summary>
    Quarantined,
}

internal static class RowFaults
{
    /// <summary>The fault's <c>code</c> in answers.</summary>
    public static string Code(this RowFault fault) => fault switch
    {
        RowFault.UnknownSensor => "unknown_sensor",
        RowFault.NotFinite => "not_finite",
        RowFault.OutOfRange => "out_of_range",
        RowFault.InFuture => "in_future",
        RowFault.TooOld => "too_old",
        RowFault.InvalidTime => "invalid_time",
        RowFault.InvalidValue => "invalid_value",
        RowFault.InvalidQuality => "invalid_quality",
        RowFault.InvalidUnit => "invalid_unit",
        RowFault.Unsupported => "unsupported",
        RowFault.Quarantined => "quarantined",
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, "A good row has no code."),
    };
}

/// <summary>How far a reading can be trusted, as its source says.</summary>
internal enum ReadingQuality : byte
{
    Good = 0,
    Uncertain = 1,
    Bad = 2,
}
