using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace CityPulse.ServiceDefaults.Hosting;

internal static class HostingExtensions
{
    public static WebApplicationBuilder AddHosting(this WebApplicationBuilder builder)
    {
        builder.AddHttpClients();
        builder.AddNodeAddress();
        builder.AddFeatureSwitches();
        builder.AddInternalPort();
        builder.AddGracefulShutdown();
        builder.Services.AddRequestDecompression();
        return builder;
    }

    private static void AddInternalPort(this WebApplicationBuilder builder)
    {
        var key = new InternalKey(builder.Configuration);
        builder.Services.AddSingleton(key);
        builder.Services.AddSingleton<InternalPort>();
        if (InternalPort.ListensByOptions(builder.Configuration) && ushort.TryParse(builder.Configuration[InternalPort.Key], out var port))
        {
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenAnyIP(port));
        }

        builder.Services.AddHostedService(services => services.GetRequiredService<InternalPort>());
        builder.Services.AddAuthorizationBuilder().AddPolicy(InternalEndpoints.Policy, policy => policy
            .AddRequirements(new InternalKeyRequirement(key)));
    }
}
