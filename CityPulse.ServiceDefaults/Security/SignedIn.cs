using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>Authentication and authorization are the framework's, but for requests of which nothing has to be found out any more.</summary>
internal static class SignedIn
{
    // What the framework marks its own calls by; a branch does not mark the whole. Unmarked, the host would put both before everything else.
    private const string AuthenticationIsSet = "__AuthenticationMiddlewareSet";
    private const string AuthorizationIsSet = "__AuthorizationMiddlewareSet";

    public static void UseAccessTokens(this WebApplication app)
    {
        ((IApplicationBuilder)app).Properties[AuthenticationIsSet] = true;
        var tokens = app.Services.GetRequiredService<KnownTokens>();
        app.UseWhen(context => !tokens.Admit(context), static branch => branch.UseAuthentication());
    }

    public static void UsePermissions(this WebApplication app)
    {
        ((IApplicationBuilder)app).Properties[AuthorizationIsSet] = true;
        app.UseWhen(static context => !KnownRights.Grants(context), static branch => branch.UseAuthorization());
    }
}
