using System.ComponentModel.DataAnnotations;

namespace CityPulse.Api.Alerts;

/// <summary>Section <c>Alerts</c>.</summary>
internal sealed class AlertOptions
{
    public const string Section = "Alerts";

    /// <summary>Nobody silences an alert for longer than this at a time.</summary>
    [Range(1, 30 * 24 * 60, ErrorMessage = "Alerts:MaxShelveMinutes must be from 1 to 43200 (30 days).")]
    public int MaxShelveMinutes { get; set; } = 24 * 60;

    /// <summary>Rules of one organisation: every reading is judged by all that cover its sensor.</summary>
    [Range(1, 10_000, ErrorMessage = "Alerts:MaxRules must be from 1 to 10000.")]
    public int MaxRules { get; set; } = 500;

    /// <summary>How often the clock is looked at for silence, delays and shelves.</summary>
    [Range(0.1, 10, ErrorMessage = "Alerts:TickSeconds must be from 0.1 to 10: a due no_data is promised within 15 s.")]
    public double TickSeconds { get; set; } = 1;

    /// <summary>
    /// For how long every saved state of evaluation is kept, from which late readings are judged; of the months before, the last of each.
    /// </summary>
    [Range(1, 366, ErrorMessage = "Alerts:CheckpointDays must be from 1 to 366.")]
    public int CheckpointDays { get; set; } = 31;

    /// <summary>How far a replica's clock may be ahead of the database's and still be the one by which silence and delays are judged.</summary>
    [Range(0, 366 * 24 * 60 * 60, ErrorMessage = "Alerts:ClockToleranceSeconds must be from 0 to 31622400 (366 days).")]
    public int ClockToleranceSeconds { get; set; } = 5;

    /// <summary>The longest period that a rule can be tried on.</summary>
    [Range(1, 3660, ErrorMessage = "Alerts:PreviewMaxDays must be from 1 to 3660.")]
    public int PreviewMaxDays { get; set; } = 400;
}
