using System.Security.Claims;
using System.Text.Encodings.Web;
using CityPulse.Api.DeviceKeys.Domain;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Revocations;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Npgsql;

namespace CityPulse.Api.DeviceKeys;

/// <summary>Authentication with <c>X-Api-Key</c>. Unknown, deleted and expired keys are told alike.</summary>
internal sealed class DeviceKeyHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, KnownDevices devices)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public new const string Scheme = "DeviceKey";

    private const string NotValid = "The device key is not valid.";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Request.Headers[CityHeaders.ApiKey] is not [{ } text] || !DeviceKeyText.IsWellFormed(text))
        {
            return AuthenticateResult.Fail(NotValid);
        }

        try
        {
            return await devices.FindAsync(text, Context.RequestAborted) is { } device
                ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new DeviceIdentity(device)), Scheme))
                : AuthenticateResult.Fail(NotValid);
        }
        catch (Exception e) when (e is RevocationsUnavailableException or NpgsqlException)
        {
            Logger.LogError(e, "No device key can be judged: {Reason}", e.Message);
            return AuthenticateResult.Fail(e);
        }
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if ((await HandleAuthenticateOnceSafeAsync()).Failure is RevocationsUnavailableException or NpgsqlException)
        {
            Response.Headers.RetryAfter = "1";
            await Problems.Of(StatusCodes.Status503ServiceUnavailable, "Device keys cannot be verified right now. Try again.").ExecuteAsync(Context);
            return;
        }

        Response.Headers.Append(HeaderNames.WWWAuthenticate, $"{Scheme} error=\"invalid_key\"");
        await Problems.Of(StatusCodes.Status401Unauthorized, NotValid).ExecuteAsync(Context);
    }
}
