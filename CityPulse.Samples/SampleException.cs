namespace CityPulse.Samples;

/// <summary>Why the samples cannot go on, as a sentence for the operator.</summary>
internal sealed class SampleException(string message, Exception? inner = null) : Exception(message, inner);
