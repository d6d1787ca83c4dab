using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace CityPulse.Api.Data;

/// <summary>
/// Whether the database answers those whom requests work as; until they can be there, the owner. A login of a role that is not made yet would
/// stand in PostgreSQL's log as somebody's who tries passwords.
/// </summary>
internal sealed class DatabaseCheck(TenantDatabase database, DatabaseReady ready) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var question = (ready.IsReady ? database.Requests : database.Owner).CreateCommand("SELECT 1");
            await question.ExecuteScalarAsync(cancellationToken);
            return HealthCheckResult.Healthy("The database answers.");
        }
        catch (NpgsqlException e)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, "The database does not answer.", e);
        }
    }
}
