namespace CityPulse.Contracts;

/// <summary>What a member may do in an organisation; each role includes the ones before it.</summary>
public enum Role
{
    User,
    Manager,
    Admin,
}

/// <summary>The four frontends that share the origin; sent as <c>X-Frontend-Source</c> in lower case.</summary>
public enum Frontend
{
    CityPulse,
    FlowMind,
    Quantum,
    Velocity,
}

/// <summary>One right that an endpoint asks for. The table of who holds which is <c>AccessTable</c>.</summary>
public enum Permission
{
    /// <summary>Read buildings, sensors, readings, energy, alerts and analytics.</summary>
    ReadCity,
    /// <summary>Write buildings, sensors, tariffs and alert rules; shelve and close alerts.</summary>
    WriteCity,
    /// <summary>Store readings.</summary>
    Ingest,
    /// <summary>Acknowledge and comment alerts.</summary>
    AcknowledgeAlerts,
    /// <summary>Talk to the assistant.</summary>
    UseAi,
    /// <summary>See swarm runs.</summary>
    ReadSwarm,
    /// <summary>Start and cancel swarm runs.</summary>
    RunSwarm,
    /// <summary>Open the realtime door.</summary>
    Realtime,
    /// <summary>Users, device keys, channels, deleting buildings, the audit log.</summary>
    Administer,
}

/// <summary>Claim names of an access token.</summary>
public static class CityClaims
{
    public const string Subject = "sub";
    public const string Organization = "org";
    public const string Role = "role";
    public const string Frontend = "frontend";
    public const string TokenId = "jti";
    /// <summary>The refresh-token family that the access token belongs to; revoking it ends the session.</summary>
    public const string Family = "fam";
    /// <summary>Id of the key by which a device came in; it has no subject and no role.</summary>
    public const string DeviceKey = "key";
}

/// <summary>Header names that cross a service boundary.</summary>
public static class CityHeaders
{
    public const string FrontendSource = "X-Frontend-Source";
    public const string RequestId = "X-Request-Id";
    public const string ErrorId = "X-Error-Id";
    public const string ApiKey = "X-Api-Key";
    /// <summary>Shared secret between the services, on the internal port only.</summary>
    public const string InternalKey = "X-Internal-Key";
}
