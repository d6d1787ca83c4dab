namespace CityPulse.Api.Alerts.Channels.Domain;

internal enum DeliveryStatus
{
    /// <summary>Not there yet; it is tried again.</summary>
    Pending,
    Delivered,
    /// <summary>Given up.</summary>
    Dead,
    /// <summary>Waits to be told with others, in one message.</summary>
    Gathered,
    /// <summary>Told with others.</summary>
    Grouped,
}

/// <summary>What became of one attempt.</summary>
/// <param name="StatusCode">What the receiver answered, if it did.</param>
/// <param name="Error">In words; null where it arrived.</param>
/// <param name="Leads">Where it leads the delivery.</param>
internal sealed record DeliveryOutcome(int? StatusCode, string? Error, DeliveryStatus Leads)
{
    public static readonly DeliveryOutcome Arrived = new(null, null, DeliveryStatus.Delivered);

    public static DeliveryOutcome Failed(string error, int? statusCode = null) => new(statusCode, error, DeliveryStatus.Pending);

    /// <summary>Trying again would change nothing.</summary>
    public static DeliveryOutcome Refused(string error, int? statusCode = null) => new(statusCode, error, DeliveryStatus.Dead);

    public static DeliveryOutcome OfStatusCode(int status) => status switch
    {
        >= 200 and < 300 => Arrived with { StatusCode = status },
        410 => Refused("The receiver says that it is gone for good.", status),
        >= 300 and < 400 => Failed("The receiver redirects, and redirects are not followed.", status),
        _ => Failed("The receiver did not take it.", status),
    };
}
