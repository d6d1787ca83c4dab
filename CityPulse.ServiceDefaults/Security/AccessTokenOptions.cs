using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>How access tokens are judged; section <c>Auth</c>.</summary>
public sealed class AccessTokenOptions
{
    public const string Section = "Auth";

    public string Issuer { get; set; } = "citypulse";

    public string Audience { get; set; } = "citypulse";

    /// <summary>Where the public keys are; the host may be a service's name.</summary>
    public Uri JwksUri { get; set; } = new("http://api/.well-known/jwks.json");

    /// <summary>How far the clocks of two machines may differ.</summary>
    public int ClockSkewSeconds { get; set; } = 10;

    /// <summary>Paths on which a browser that cannot send headers may put the token into the query as <c>access_token</c>.</summary>
    internal List<PathString> QueryTokenPaths { get; } = [];
}

internal sealed class AccessTokenOptionsValidator : IValidateOptions<AccessTokenOptions>
{
    public ValidateOptionsResult Validate(string? name, AccessTokenOptions options)
    {
        var failures = new List<string>();
        if (string.IsNullOrWhiteSpace(options.Issuer))
        {
            failures.Add("Auth:Issuer must name the issuer of access tokens.");
        }

        if (string.IsNullOrWhiteSpace(options.Audience))
        {
            failures.Add("Auth:Audience must name the audience of access tokens.");
        }

        if (options.JwksUri is not { IsAbsoluteUri: true, Scheme: "http" or "https" or "https+http" or "http+https" })
        {
            failures.Add("Auth:JwksUri must be an absolute http or https address.");
        }

        if (options.ClockSkewSeconds is < 0 or > 300)
        {
            failures.Add("Auth:ClockSkewSeconds must lie between 0 and 300.");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
