using CityPulse.ServiceDefaults.Schema;
using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;

namespace CityPulse.Api.Data;

internal static class DataExtensions
{
    /// <summary>Name of the connection string of the city's database.</summary>
    public const string ConnectionName = "citydb";

    /// <summary>
    /// The database under its three roles, the pooled <see cref="CityDb"/>, and migrations at start. Plain SQL that works for one
    /// organisation takes <see cref="TenantDatabase.Requests"/> and names it; a plain <see cref="NpgsqlDataSource"/> is that of background
    /// work, which crosses organisations. Neither changes tables: that is for <see cref="TenantDatabase.Owner"/>.
    /// </summary>
    public static WebApplicationBuilder AddCityData(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddTenantDatabase(ConnectionName, part: "", holds: "it names the PostgreSQL database of the city", secretKey: "Auth:KeyEncryptionKey");

        services.AddScoped<TenantContext>();
        services.AddSingleton<StampInterceptor>();
        services.AddSingleton<TenantInterceptor>();
        services.AddDbContextPool<CityDb>((provider, options) => options
            .UseCityModel()
            .AddInterceptors(provider.GetRequiredService<StampInterceptor>(), provider.GetRequiredService<TenantInterceptor>()));
        builder.EnrichNpgsqlDbContext<CityDb>(settings => settings.DisableHealthChecks = true);
        LendTenant(services);

        services.AddSingleton<DatabaseReady>();
        services.AddHealthChecks()
            .AddCheck<DatabaseCheck>(nameof(CityDb))
            .AddCheck<DatabaseReady>("migrations", tags: ["ready"]);
        services.AddSchema<DatabaseMigration>();
        return builder;
    }

    /// <summary>
    /// The provider and naming that the running service and <c>dotnet ef</c> share. No data source: each context is lent a connection of its
    /// scope's role, and EF keeps one model and one set of compiled queries for all, where it would keep one for each data source.
    /// </summary>
    public static DbContextOptionsBuilder UseCityModel(this DbContextOptionsBuilder options) =>
        options.UseNpgsql().UseSnakeCaseNamingConvention();

    // The pool knows nothing of scopes: whoever asks its scope for a context gets it with that scope's organisation, on a
    // connection of the role that the scope works under. The context may have worked under another one before.
    private static void LendTenant(IServiceCollection services)
    {
        var pooled = services.Single(d => d.ServiceType == typeof(CityDb));
        var lease = pooled.ImplementationFactory
            ?? throw new InvalidOperationException("The pooled database context is expected to be registered by a factory.");
        services.Replace(ServiceDescriptor.Scoped(provider =>
        {
            var db = (CityDb)lease(provider);
            db.Tenant = provider.GetRequiredService<TenantContext>();
            db.WorkUnder(Role(provider.GetRequiredService<TenantDatabase>(), db.Tenant));
            return db;
        }));
    }

    private static NpgsqlDataSource Role(TenantDatabase database, TenantContext tenant) =>
        tenant.CrossesOrganizations ? database.Work : database.Requests;

    /// <summary>Gives the context a connection of this source; it must have none open.</summary>
    public static void WorkUnder(this CityDb db, NpgsqlDataSource source) =>
        db.Database.SetDbConnection(source.CreateConnection(), contextOwnsConnection: true);
}
