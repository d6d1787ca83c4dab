using CityPulse.ServiceDefaults.Tenancy;

namespace CityPulse.Api.Data;

/// <summary>
/// The city's tables without an <c>organization_id</c>, each with the reason why nothing leaks through it. All others are walled by that
/// column without being named; a table that is neither can be used by nobody at run time, and a test asks for it here.
/// </summary>
internal static class CityTables
{
    public const string Schema = "public";

    public static readonly IReadOnlyCollection<TenantTable> WithoutOrganization =
    [
        new("__EFMigrationsHistory", TableUse.None, "Only migrations look at it."),
        new("organizations", TableUse.Both, "An organisation sees itself.", $"id = {TenantTable.SessionOrganization}"),
        new("users", TableUse.Both, "A person may belong to several organisations; each sees its own members.",
            "EXISTS (SELECT FROM memberships m WHERE m.user_id = users.id)", NewRowsOfRequests: "true"),
        new("signing_keys", TableUse.Work, "They belong to the service, and requests have no business with them."),
        new("refresh_tokens", TableUse.Work, "Only sign-in looks at them, by their hash."),
        new("revocations", TableUse.Work, "Bare ids of sessions that have ended, noted by a trigger with the owner's rights."),
        new("outbox_head", TableUse.Work, "Places in the one order of events; only the dispatcher looks at them."),
        new("readings", TableUse.Both, "COPY FROM refuses row-level security; they are reached by the key of a sensor, and sensors are walled."),
        new("reading_series", TableUse.Both, "Keyed by a sensor, like readings."),
        new("reading_months", TableUse.Both, "Keyed by a sensor, like readings."),
        new("rollups", TableUse.Both, "Keyed by a sensor, like readings."),
        new("rollup_dirty", TableUse.Both, "Keyed by a sensor, like readings."),
    ];
}
