using System.ComponentModel.DataAnnotations;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>Section <c>Alerts:Channels</c>.</summary>
internal sealed class ChannelOptions
{
    public const string Section = AlertOptions.Section + ":Channels";

    /// <summary>Whether webhooks may go to loopback, link-local and private addresses. For a city whose receivers are in its own network.</summary>
    public bool AllowPrivateTargets { get; set; }

    /// <summary>Channels of one organisation.</summary>
    [Range(1, 1000, ErrorMessage = "Alerts:Channels:MaxChannels must be from 1 to 1000.")]
    public int MaxChannels { get; set; } = 50;

    /// <summary>How long a receiver may take to answer.</summary>
    [Range(0.1, 30, ErrorMessage = "Alerts:Channels:TimeoutSeconds must be from 0.1 to 30.")]
    public double TimeoutSeconds { get; set; } = 10;

    [Range(0.05, 15, ErrorMessage = "Alerts:Channels:FirstRetrySeconds must be from 0.05 to 15: the first retry is promised within 20 s.")]
    public double FirstRetrySeconds { get; set; } = 10;

    /// <summary>For how long a delivery is tried.</summary>
    [Range(1, 168, ErrorMessage = "Alerts:Channels:RetryHours must be from 1 to 168.")]
    public double RetryHours { get; set; } = 24;

    /// <summary>For how long it is on record what became of it.</summary>
    [Range(1, 3660, ErrorMessage = "Alerts:Channels:KeepDays must be from 1 to 3660.")]
    public int KeepDays { get; set; } = 90;

    public TimeSpan Timeout => TimeSpan.FromSeconds(TimeoutSeconds);

    /// <summary>After this long without a word another worker takes over: well beyond what an attempt can take.</summary>
    public TimeSpan Lease => Timeout + TimeSpan.FromSeconds(30);
}
