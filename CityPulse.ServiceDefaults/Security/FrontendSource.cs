using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>
/// <c>X-Frontend-Source</c> says which frontend calls; it can only take rights away. Runs after authorization, so that 401 comes
/// before the 400 for a frontend that does not exist.
/// </summary>
internal sealed class FrontendSource(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        var header = context.Request.Headers[CityHeaders.FrontendSource];
        if (header.Count == 0)
        {
            return next(context);
        }

        if (!FrontendNames.TryParse(header.ToString(), out var frontend))
        {
            return Problems.Validation(
                CityHeaders.FrontendSource, "The frontend must be one of citypulse, flowmind, quantum, velocity.").ExecuteAsync(context);
        }

        return context.User.TryGetCaller(out var caller) && caller.Frontend is { } issuedTo && issuedTo != frontend
            ? Problems.Of(StatusCodes.Status403Forbidden, OtherFrontend).ExecuteAsync(context)
            : next(context);
    }

    internal const string OtherFrontend = "The access token was issued to another frontend than X-Frontend-Source names.";
}

/// <summary>The frontend that a request uses.</summary>
public static class FrontendSourceExtensions
{
    /// <summary>What narrows the caller's rights: the token's frontend, else the header's, else nothing.</summary>
    public static Frontend? GetFrontend(this HttpContext context)
    {
        if (context.User.TryGetCaller(out var caller) && caller.Frontend is { } issuedTo)
        {
            return issuedTo;
        }

        return FrontendNames.TryParse(context.Request.Headers[CityHeaders.FrontendSource].ToString(), out var named) ? named : null;
    }
}
