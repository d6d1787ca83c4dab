using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Revocations;

/// <summary>How soon a revocation counts; section <c>Revocations</c>.</summary>
public sealed class RevocationOptions
{
    public const string Section = "Revocations";

    /// <summary>How often to look when nobody tells that there is something.</summary>
    public TimeSpan LookEvery { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How old the last look may be. Beyond it nobody is let in until there is a new one.</summary>
    public TimeSpan Limit { get; set; } = TimeSpan.FromSeconds(45);
}

internal sealed class RevocationOptionsValidator : IValidateOptions<RevocationOptions>
{
    public ValidateOptionsResult Validate(string? name, RevocationOptions options)
    {
        var failures = new List<string>();
        if (options.LookEvery < TimeSpan.FromMilliseconds(100) || options.LookEvery > TimeSpan.FromSeconds(20))
        {
            failures.Add("Revocations:LookEvery must be 0.1 to 20 seconds.");
        }

        // A revoked session loses access within a minute, whatever happens.
        if (options.Limit < TimeSpan.FromSeconds(2) || options.Limit < options.LookEvery || options.Limit > TimeSpan.FromSeconds(55))
        {
            failures.Add("Revocations:Limit must be 2 to 55 seconds, and not below Revocations:LookEvery.");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
