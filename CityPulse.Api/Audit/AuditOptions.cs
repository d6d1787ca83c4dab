using Microsoft.Extensions.Options;

namespace CityPulse.Api.Audit;

/// <summary>Section <c>Audit</c>.</summary>
internal sealed class AuditOptions
{
    public const string Section = "Audit";

    /// <summary>How long entries are kept. The database itself lets none go that is younger than 90 days.</summary>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(400);
}

internal sealed class AuditOptionsCheck : IValidateOptions<AuditOptions>
{
    public ValidateOptionsResult Validate(string? name, AuditOptions options) =>
        options.Retention >= TimeSpan.FromDays(91) && options.Retention <= TimeSpan.FromDays(3660)
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail("Audit:Retention must be 91 to 3660 days.");
}
