namespace CityPulse.Samples.Domain;

/// <summary>One usable row of a source file: the civil time of the series' own zone and the value in the sensor's unit.</summary>
internal readonly record struct SourceRow(DateTime Time, double Value);

/// <summary>A stretch of a source file that looks measured and is not; half-open, in the civil time of the series.</summary>
internal sealed record MissingStretch(DateTime From, DateTime To, string Reason);

/// <summary>A reading of a sample sensor, ready to send.</summary>
internal readonly record struct SampleReading(string Sensor, DateTimeOffset At, double Value);
