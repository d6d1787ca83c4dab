using Microsoft.Extensions.Options;

namespace CityPulse.Api.Edge;

/// <summary>Where the other services are; section <c>Edge</c>.</summary>
internal sealed class EdgeOptions
{
    public const string Section = "Edge";

    public Uri Realtime { get; set; } = new("http://realtime");

    public Uri AiGateway { get; set; } = new("http://aigateway");

    /// <summary>
    /// After how long without a byte in either direction a forwarded request is taken for dead. Long, because streams and sockets are
    /// silent for as long as nothing happens.
    /// </summary>
    public double SilenceMinutes { get; set; } = 30;
}

internal sealed class EdgeOptionsValidator : IValidateOptions<EdgeOptions>
{
    public ValidateOptionsResult Validate(string? name, EdgeOptions options)
    {
        foreach (var (key, uri) in (ReadOnlySpan<(string, Uri)>)[("Realtime", options.Realtime), ("AiGateway", options.AiGateway)])
        {
            if (uri is not { IsAbsoluteUri: true, Scheme: "http" or "https", PathAndQuery: "/" })
            {
                return ValidateOptionsResult.Fail($"Edge:{key} must be an http or https address without a path, such as http://realtime.");
            }
        }

        return options.SilenceMinutes is > 0 and <= 1440
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail("Edge:SilenceMinutes must lie between 0 and 1440.");
    }
}
