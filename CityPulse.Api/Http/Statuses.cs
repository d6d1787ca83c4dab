namespace CityPulse.Api.Http;

internal static class Statuses
{
    /// <summary>The status that a result will answer with; 200 where it does not say.</summary>
    public static int Of(object? result) => result switch
    {
        INestedHttpResult nested => Of(nested.Result),
        IStatusCodeHttpResult { StatusCode: { } status } => status,
        _ => StatusCodes.Status200OK,
    };

    /// <summary>Whether a result refuses: what was done on the way to it must not stay.</summary>
    public static bool IsRefusal(object? result) => Of(result) >= StatusCodes.Status400BadRequest;
}
