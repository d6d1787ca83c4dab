using System.ComponentModel.DataAnnotations;

namespace CityPulse.Api.Readings.Retention;

/// <summary>Section <c>Retention</c>.</summary>
internal sealed class RetentionOptions
{
    public const string Section = "Retention";
    public const int MaxMonths = 1200;

    /// <summary>How many months readings are kept, where the organisation has not decided otherwise. Hourly rollups stay for good.</summary>
    [Range(1, MaxMonths, ErrorMessage = "Retention:Months must be from 1 to 1200.")]
    public int Months { get; set; } = 13;

    /// <summary>
    /// Readings of a month into which something was written so lately stay, however old: a history that is being loaded is not
    /// thrown away behind the loader's back.
    /// </summary>
    [Range(0, 3650, ErrorMessage = "Retention:GraceDays must be from 0 to 3650.")]
    public int GraceDays { get; set; } = 30;

    [Range(1, 7 * 24 * 60, ErrorMessage = "Retention:CheckMinutes must be from 1 to 10080.")]
    public int CheckMinutes { get; set; } = 60;
}
