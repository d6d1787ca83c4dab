using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Tenancy;

/// <summary>Wires a service to its database under three roles.</summary>
public static class TenantExtensions
{
    /// <summary>
    /// <see cref="TenantDatabase"/> by connection string <paramref name="name"/>, and background work's source as the plain one: who wants
    /// less takes <see cref="TenantDatabase.Requests"/>.
    /// </summary>
    /// <param name="part">Tells services apart that share a database.</param>
    /// <param name="holds">What the database is for, to end the sentence on a missing connection string.</param>
    /// <param name="secretKey">The setting that the roles' passwords are derived from.</param>
    public static void AddTenantDatabase(this IServiceCollection services, string name, string part, string holds, string secretKey)
    {
        services.AddOptions<TenantDatabaseOptions>()
            .Configure<IConfiguration>((options, configuration) =>
            {
                options.ConnectionString = configuration.GetConnectionString(name);
                options.RequestsConnectionString = configuration.GetConnectionString($"{name}-app");
                options.WorkConnectionString = configuration.GetConnectionString($"{name}-worker");
                options.Secret = configuration[secretKey];
            })
            .Validate(options => !string.IsNullOrWhiteSpace(options.ConnectionString), $"ConnectionStrings:{name} is missing: {holds}.")
            .Validate(
                options => options.HasLogins || !string.IsNullOrWhiteSpace(options.Secret),
                $"{secretKey} is missing: the passwords of the database's roles are derived from it.")
            .ValidateOnStart();
        services.AddSingleton(provider => TenantDatabase.Create(
            provider.GetRequiredService<IOptions<TenantDatabaseOptions>>().Value, part, provider.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton(provider => provider.GetRequiredService<TenantDatabase>().Work);
    }
}
