using System.Security.Claims;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;

namespace CityPulse.Realtime.SocketIo;

/// <summary>Who came in, or why nobody did.</summary>
internal readonly record struct SignInOutcome(ClaimsPrincipal? User, Frontend? Frontend, string AccessToken, string? Refusal)
{
    public static SignInOutcome Refused(string why) => new(null, null, "", why);
}

/// <summary>
/// Signs a Socket.IO client in with the token of its CONNECT packet, through the very handlers that judge the tokens of
/// HTTP requests: a request is made up that carries it as they expect it.
/// </summary>
internal sealed class SocketIoSignIn(IServiceScopeFactory scopes)
{
    /// <param name="request">The request that opened the connection: it names the frontend.</param>
    /// <param name="auth">The CONNECT packet's JSON.</param>
    public async Task<SignInOutcome> SignInAsync(HttpContext request, ReadOnlyMemory<byte> auth)
    {
        if (TokenOf(auth) is not { } token)
        {
            return SignInOutcome.Refused("Send an access token as auth.token.");
        }

        await using var scope = scopes.CreateAsyncScope();
        var http = new DefaultHttpContext { RequestServices = scope.ServiceProvider, RequestAborted = request.RequestAborted };
        http.Request.Headers.Authorization = $"Bearer {token}";
        http.Request.Headers[CityHeaders.FrontendSource] = request.Request.Headers[CityHeaders.FrontendSource];
        var result = await http.AuthenticateAsync(AccessTokens.Scheme);
        if (!result.Succeeded)
        {
            return SignInOutcome.Refused(result.Failure?.Message ?? "The access token is not valid.");
        }

        http.User = result.Principal;
        var allowed = await scope.ServiceProvider.GetRequiredService<IAuthorizationService>().AuthorizeAsync(http, Permission.Realtime);
        if (!allowed.Succeeded)
        {
            return SignInOutcome.Refused(allowed.Failure.FailureReasons.FirstOrDefault()?.Message ?? "The live stream is not allowed.");
        }

        // The token's own frontend stands before the header's; two that differ are refused, as over HTTP.
        var frontend = http.GetFrontend();
        return FrontendNames.TryParse(http.Request.Headers[CityHeaders.FrontendSource].ToString(), out var named) && named != frontend
            ? SignInOutcome.Refused("The access token was issued to another frontend than X-Frontend-Source names.")
            : new SignInOutcome(result.Principal, frontend, token, null);
    }

    private static string? TokenOf(ReadOnlyMemory<byte> auth)
    {
        if (auth.IsEmpty)
        {
            return null;
        }

        try
        {
            var json = JsonElement.Parse(auth.Span);
            return json.ValueKind == JsonValueKind.Object && json.TryGetProperty("token", out var token)
                && token.ValueKind == JsonValueKind.String && token.GetString() is { Length: > 0 } text && !text.AsSpan().ContainsAny('\r', '\n')
                    ? text : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
