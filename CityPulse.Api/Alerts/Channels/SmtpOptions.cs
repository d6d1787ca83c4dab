using CityPulse.Api.Auth.Domain;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Alerts.Channels;

internal enum SmtpSecurity
{
    /// <summary>In the clear, for a relay in the same network.</summary>
    None,
    /// <summary>TLS after <c>STARTTLS</c>; a server that does not offer it gets nothing.</summary>
    StartTls,
    /// <summary>TLS from the first byte.</summary>
    Tls,
}

/// <summary>Section <c>Smtp</c>: the server that takes e-mails. Without a host no e-mail is sent.</summary>
internal sealed class SmtpOptions
{
    public const string Section = "Smtp";

    public string? Host { get; set; }
    public int Port { get; set; } = 587;
    public SmtpSecurity Security { get; set; } = SmtpSecurity.StartTls;
    public string? User { get; set; }
    public string? Password { get; set; }
    /// <summary>The sender's address.</summary>
    public string? From { get; set; }
}

internal sealed class SmtpOptionsCheck : IValidateOptions<SmtpOptions>
{
    public ValidateOptionsResult Validate(string? name, SmtpOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Host))
        {
            return ValidateOptionsResult.Success;
        }

        return options.Port is < 1 or > 65535 ? ValidateOptionsResult.Fail("Smtp:Port must be from 1 to 65535.")
            : !AccountText.IsEmail(options.From ?? "") ? ValidateOptionsResult.Fail("Smtp:From must be the e-mail address that alerts come from.")
            : string.IsNullOrEmpty(options.User) != string.IsNullOrEmpty(options.Password) ? ValidateOptionsResult.Fail("Smtp:User and Smtp:Password must be given both or neither.")
            : options.Security == SmtpSecurity.None && !string.IsNullOrEmpty(options.Password)
                ? ValidateOptionsResult.Fail("Smtp:Security must be StartTls or Tls where there is an Smtp:Password, which would else be sent in the clear.")
            : ValidateOptionsResult.Success;
    }
}
