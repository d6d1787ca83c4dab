using System.ComponentModel.DataAnnotations;

namespace CityPulse.Api.Events;

/// <summary>Section <c>Outbox</c>.</summary>
internal sealed class OutboxOptions
{
    public const string Section = "Outbox";

    /// <summary>How long events are kept for replay: the 15 minutes that clients are promised, and a margin.</summary>
    [Range(15, 24 * 60, ErrorMessage = "Outbox:RetentionMinutes must be from 15 (the promised history) to 1440.")]
    public int RetentionMinutes { get; set; } = 20;
}
