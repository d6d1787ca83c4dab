using CityPulse.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Revocations;

internal static class RevocationExtensions
{
    public static WebApplicationBuilder AddRevocations(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<RevocationOptions>().Bind(builder.Configuration.GetSection(RevocationOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<RevocationOptions>, RevocationOptionsValidator>();
        services.AddHttpClient(ApiRevocationSource.ClientName, client => client.BaseAddress = new Uri("http://_internal.api")).AddInternalKey();
        // Api puts its own database in its place.
        services.TryAddSingleton<IRevocationSource, ApiRevocationSource>();
        services.AddSingleton<RevocationFollower>();
        services.AddSingleton<IRevocations>(provider => provider.GetRequiredService<RevocationFollower>());
        services.AddHostedService(provider => provider.GetRequiredService<RevocationFollower>());
        return builder;
    }
}
