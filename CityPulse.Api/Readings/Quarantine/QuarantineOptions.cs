using System.ComponentModel.DataAnnotations;

namespace CityPulse.Api.Readings.Quarantine;

/// <summary>Section <c>Quarantine</c>.</summary>
internal sealed class QuarantineOptions
{
    public const string Section = "Quarantine";

    /// <summary>Whether implausible readings are held at all. Only sensors with a <c>ratedPowerKw</c> are judged.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>How many times the rated power a meter is believed; more is held.</summary>
    [Range(1, 1000, ErrorMessage = "Quarantine:Margin must be from 1 to 1000 (times the rated power).")]
    public double Margin { get; set; } = 1.25;
}
