using CityPulse.Contracts;
using static CityPulse.Contracts.Permission;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>Who may do what: the one table, as <c>docs/api.md</c> prints it.</summary>
public static class AccessTable
{
    private static readonly Permission[] UserMay = [ReadCity, AcknowledgeAlerts, UseAi, ReadSwarm, Permission.Realtime];
    private static readonly Permission[] ManagerMay = [.. UserMay, WriteCity, Ingest, RunSwarm];
    private static readonly Permission[] AdminMay = [.. ManagerMay, Administer];

    private static readonly Permission[] CityFrontendMay =
        [ReadCity, WriteCity, Ingest, AcknowledgeAlerts, Administer, UseAi, Permission.Realtime];

    // Read-only in the city: seeing alerts, but not acknowledging them.
    private static readonly Permission[] SwarmFrontendMay = [ReadCity, UseAi, ReadSwarm, RunSwarm, Permission.Realtime];

    private static readonly Dictionary<Role, HashSet<Permission>> ByRole = new()
    {
        [Role.User] = [.. UserMay],
        [Role.Manager] = [.. ManagerMay],
        [Role.Admin] = [.. AdminMay],
    };

    private static readonly Dictionary<Frontend, HashSet<Permission>> ByFrontend = new()
    {
        [Frontend.CityPulse] = [.. CityFrontendMay],
        [Frontend.FlowMind] = [.. SwarmFrontendMay],
        [Frontend.Quantum] = [.. SwarmFrontendMay],
        [Frontend.Velocity] = [.. SwarmFrontendMay],
    };

    /// <summary>Whether the role holds the permission and, when a frontend is used, the frontend as well.</summary>
    public static bool Allows(Role role, Frontend? frontend, Permission permission) =>
        ByRole.TryGetValue(role, out var held) && held.Contains(permission)
        && (frontend is not { } used || Allows(used, permission));

    /// <summary>Whether the frontend may be used for the permission at all.</summary>
    public static bool Allows(Frontend frontend, Permission permission) =>
        ByFrontend.TryGetValue(frontend, out var held) && held.Contains(permission);

    /// <summary>All that a role may do, narrowed by a frontend when one is used.</summary>
    public static IEnumerable<Permission> Permissions(Role role, Frontend? frontend) =>
        Enum.GetValues<Permission>().Where(permission => Allows(role, frontend, permission));
}
