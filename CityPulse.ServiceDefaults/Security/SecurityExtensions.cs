using CityPulse.Contracts;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>Who comes in.</summary>
public static class SecurityExtensions
{
    internal static WebApplicationBuilder AddSecurity(this WebApplicationBuilder builder)
    {
        builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.AddServerHeader = false);
        builder.AddAccessTokens();
        builder.AddPermissions();
        builder.AddBrowserRules();
        return builder;
    }

    /// <summary>Lets browsers, whose WebSockets cannot send headers, put the access token into the query of requests to <paramref name="path"/>.</summary>
    public static WebApplicationBuilder AcceptAccessTokenFromQuery(this WebApplicationBuilder builder, string path)
    {
        builder.Services.Configure<AccessTokenOptions>(options => options.QueryTokenPaths.Add(path));
        return builder;
    }

    private static void AddAccessTokens(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<AccessTokenOptions>()
            .Bind(builder.Configuration.GetSection(AccessTokenOptions.Section))
            .ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<AccessTokenOptions>, AccessTokenOptionsValidator>();
        builder.Services.AddSingleton<VerifiedTokens>();
        builder.Services.AddSingleton<KnownTokens>();
        builder.Services.AddHttpClient(JwksAccessTokenKeys.ClientName);
        // Api puts its own key ring in its place.
        builder.Services.TryAddSingleton<IAccessTokenKeys, JwksAccessTokenKeys>();
        builder.Services.AddAuthentication(AccessTokens.Scheme)
            .AddScheme<AuthenticationSchemeOptions, AccessTokenHandler>(AccessTokens.Scheme, configureOptions: null);
        builder.Services.Replace(ServiceDescriptor.Scoped<IAuthenticationService, KnownCallers>());
    }

    private static void AddPermissions(this WebApplicationBuilder builder)
    {
        builder.Services.AddHttpContextAccessor();
        builder.Services.AddSingleton<IAuthorizationHandler, PermissionHandler>();
        builder.Services.AddSingleton<IAuthorizationMiddlewareResultHandler, Refusals>();
        // It asks each request whether authorization has looked at it, which UsePermissions leaves out where it has nothing to find out.
        builder.Services.Configure<RouteOptions>(static options => options.SuppressCheckForUnhandledSecurityMetadata = true);
        var authorization = builder.Services.AddAuthorizationBuilder()
            .SetDefaultPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().AddRequirements(new MembersOnly()).Build())
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().AddRequirements(new DenyByDefault()).Build());
        foreach (var permission in Enum.GetValues<Permission>())
        {
            authorization.AddPolicy(PermissionRequirement.PolicyName(permission), policy => policy
                .RequireAuthenticatedUser()
                .AddRequirements(new PermissionRequirement(permission)));
        }
    }

    private static void AddBrowserRules(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<SecurityHeaders>();
        builder.Services.AddSingleton<AllowedOrigins>();
        builder.Services.AddCors();
        builder.Services.AddSingleton<IConfigureOptions<CorsOptions>, CorsSetup>();
        builder.Services.AddSingleton<IPostConfigureOptions<ForwardedHeadersOptions>, ForwardedHeadersSetup>();
    }

    /// <summary>Outermost, so that everything after it sees the true client.</summary>
    internal static void UseTrustedForwardedHeaders(this WebApplication app)
    {
        // Read here, so that a bad setting stops the start and not the first request.
        _ = app.Services.GetRequiredService<IOptions<ForwardedHeadersOptions>>().Value;
        _ = app.Services.GetRequiredService<AllowedOrigins>();

        // With this setting the host has put the middleware at the front already; twice would walk the list twice.
        if (!string.Equals(app.Configuration["FORWARDEDHEADERS_ENABLED"], "true", StringComparison.OrdinalIgnoreCase))
        {
            app.UseForwardedHeaders();
        }
    }
}
