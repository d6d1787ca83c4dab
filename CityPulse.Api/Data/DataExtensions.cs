using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;

namespace CityPulse.Api.Data;

internal static class DataExtensions
{
    /// <summary>Name of the connection string of the city's database.</summary>
    public const string ConnectionName = "citydb";

    /// <summary>One data source for EF and for the hot paths, the pooled <see cref="CityDb"/>, and migrations at start.</summary>
    public static WebApplicationBuilder AddCityData(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<CityDataOptions>()
            .Configure<IConfiguration>((options, configuration) => options.ConnectionString = configuration.GetConnectionString(ConnectionName))
            .Validate(
                options => !string.IsNullOrWhiteSpace(options.ConnectionString),
                $"ConnectionStrings:{ConnectionName} is missing: it names the PostgreSQL database of the city.")
            .ValidateOnStart();
        services.AddSingleton(provider =>
        {
            var options = provider.GetRequiredService<Microsoft.Extensions.Options.IOptions<CityDataOptions>>().Value;
            return new NpgsqlDataSourceBuilder(options.ConnectionString)
                .UseLoggerFactory(provider.GetRequiredService<ILoggerFactory>())
                .Build();
        });

        services.AddScoped<TenantContext>();
        services.AddSingleton<StampInterceptor>();
        services.AddDbContextPool<CityDb>((provider, options) => options
            .UseCityModel(provider.GetRequiredService<NpgsqlDataSource>())
            .AddInterceptors(provider.GetRequiredService<StampInterceptor>()));
        builder.EnrichNpgsqlDbContext<CityDb>();
        LendTenant(services);

        services.AddSingleton<DatabaseReady>();
        services.AddHealthChecks().AddCheck<DatabaseReady>("migrations", tags: ["ready"]);
        services.AddHostedService<DatabaseMigration>();
        return builder;
    }

    /// <summary>The provider and naming that the running service and <c>dotnet ef</c> share.</summary>
    public static DbContextOptionsBuilder UseCityModel(this DbContextOptionsBuilder options, NpgsqlDataSource source) =>
        options.UseNpgsql(source).UseSnakeCaseNamingConvention();

    // The pool knows nothing of scopes: whoever asks its scope for a context gets it with that scope's organisation.
    private static void LendTenant(IServiceCollection services)
    {
        var pooled = services.Single(d => d.ServiceType == typeof(CityDb));
        var lease = pooled.ImplementationFactory
            ?? throw new InvalidOperationException("The pooled database context is expected to be registered by a factory.");
        services.Replace(ServiceDescriptor.Scoped(provider =>
        {
            var db = (CityDb)lease(provider);
            db.Tenant = provider.GetRequiredService<TenantContext>();
            return db;
        }));
    }
}

internal sealed class CityDataOptions
{
    public string? ConnectionString { get; set; }
}
