using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace CityPulse.ServiceDefaults.Hosting;

internal static class HostingExtensions
{
    public static WebApplicationBuilder AddHosting(this WebApplicationBuilder builder)
    {
        builder.AddHttpClients();
        builder.AddInternalPort();
        builder.AddGracefulShutdown();
        builder.Services.AddRequestDecompression();
        return builder;
    }

    private static void AddInternalPort(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<InternalPort>();
        builder.Services.AddHostedService(services => services.GetRequiredService<InternalPort>());
        builder.Services.AddAuthorizationBuilder().AddPolicy(InternalEndpoints.Policy, policy => policy
            .AddRequirements(new InternalKeyRequirement(builder.Configuration)));
    }
}
