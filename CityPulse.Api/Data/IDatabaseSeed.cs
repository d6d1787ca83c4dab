namespace CityPulse.Api.Data;

/// <summary>
/// First data that the service needs (signing keys, demo users). Runs after the migrations and before readiness, by one
/// replica at a time, at every start: it must be idempotent.
/// </summary>
internal interface IDatabaseSeed
{
    Task SeedAsync(CancellationToken cancellationToken);
}
