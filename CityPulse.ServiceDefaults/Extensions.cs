using CityPulse.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace CityPulse.ServiceDefaults;

/// <summary>What every service of CityPulse has in common: one call to add, one to map.</summary>
public static class Extensions
{
    public static WebApplicationBuilder AddServiceDefaults(this WebApplicationBuilder builder)
    {
        builder.Services.AddProblemDetails();
        builder.Services.AddAuthentication().AddJwtBearer();
        var authorization = builder.Services.AddAuthorizationBuilder();
        foreach (var permission in Enum.GetNames<Permission>())
        {
            authorization.AddPolicy(permission, policy => policy.RequireAuthenticatedUser());
        }

        return builder;
    }

    public static WebApplication MapServiceDefaults(this WebApplication app)
    {
        app.UseAuthentication();
        app.UseAuthorization();
        return app;
    }
}
