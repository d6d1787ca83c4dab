using Microsoft.Extensions.Options;

namespace CityPulse.Api.Auth;

/// <summary>Section <c>Auth</c>, the part that only the issuer needs; see <c>AccessTokenOptions</c> for the rest.</summary>
internal sealed class AuthOptions
{
    public const string Section = "Auth";

    /// <summary>32 bytes in base64; the private halves of the signing keys are encrypted with it.</summary>
    public string? KeyEncryptionKey { get; set; }

    /// <summary>Whether strangers may make organisations. Unset: in Development only.</summary>
    public bool? AllowRegistration { get; set; }

    public TimeSpan AccessTokenLifetime { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a session lives without use; each refresh starts it anew.</summary>
    public TimeSpan RefreshTokenLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>The end of a session however often it is refreshed.</summary>
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromDays(180);

    /// <summary>How long a signing key signs before another one follows.</summary>
    public TimeSpan SigningKeyLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long a signing key is published before it signs.</summary>
    public TimeSpan SigningKeyPublishedAhead { get; set; } = TimeSpan.FromDays(1);

    public int LockoutAfterFailures { get; set; } = 10;

    public TimeSpan LockoutDuration { get; set; } = TimeSpan.FromMinutes(15);
}

internal sealed class AuthOptionsCheck : IValidateOptions<AuthOptions>
{
    public ValidateOptionsResult Validate(string? name, AuthOptions options)
    {
        var failures = new List<string>();
        if (string.IsNullOrWhiteSpace(options.KeyEncryptionKey))
        {
            failures.Add("Auth:KeyEncryptionKey is missing: give 32 random bytes in base64 (openssl rand -base64 32). The signing keys are encrypted with it.");
        }
        else if (!IsKey(options.KeyEncryptionKey))
        {
            failures.Add("Auth:KeyEncryptionKey is not 32 bytes in base64 (openssl rand -base64 32).");
        }

        Check(Within(options.AccessTokenLifetime, TimeSpan.FromMinutes(1), TimeSpan.FromHours(1)), "Auth:AccessTokenLifetime must be 1 minute to 1 hour.");
        Check(Within(options.RefreshTokenLifetime, TimeSpan.FromHours(1), TimeSpan.FromDays(90)), "Auth:RefreshTokenLifetime must be 1 hour to 90 days.");
        Check(Within(options.SessionLifetime, options.RefreshTokenLifetime, TimeSpan.FromDays(366)), "Auth:SessionLifetime must be Auth:RefreshTokenLifetime to 366 days.");
        Check(Within(options.SigningKeyLifetime, TimeSpan.FromDays(1), TimeSpan.FromDays(400)), "Auth:SigningKeyLifetime must be 1 to 400 days.");
        Check(
            Within(options.SigningKeyPublishedAhead, TimeSpan.FromMinutes(30), options.SigningKeyLifetime / 2),
            "Auth:SigningKeyPublishedAhead must be 30 minutes to half of Auth:SigningKeyLifetime.");
        Check(options.LockoutAfterFailures is >= 3 and <= 100, "Auth:LockoutAfterFailures must be 3 to 100.");
        Check(Within(options.LockoutDuration, TimeSpan.FromMinutes(1), TimeSpan.FromDays(1)), "Auth:LockoutDuration must be 1 minute to 1 day.");
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);

        void Check(bool good, string sentence)
        {
            if (!good)
            {
                failures.Add(sentence);
            }
        }
    }

    private static bool Within(TimeSpan value, TimeSpan least, TimeSpan most) => value >= least && value <= most;

    private static bool IsKey(string text)
    {
        Span<byte> bytes = stackalloc byte[33];
        return Convert.TryFromBase64String(text, bytes, out var written) && written == KeyCipher.KeyLength;
    }
}
