namespace CityPulse.ServiceDefaults.Tenancy;

/// <summary>The database's roles are not as they must be, and no waiting will mend it. The message says what to do.</summary>
public sealed class TenantWallException(string message) : Exception(message);
