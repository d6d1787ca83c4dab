namespace CityPulse.ServiceDefaults.RateLimiting.Domain;

/// <summary>Which budget a request draws on: the one table, as <c>docs/limits.md</c> prints it.</summary>
internal static class TierTable
{
    public const string Auth = "auth";
    public const string Ai = "ai";
    public const string Swarm = "swarm";
    public const string CityPulse = "citypulse";
    public const string Ingest = "ingest";

    public static readonly string[] Names = [Auth, Ai, Swarm, CityPulse, Ingest];

    private const string Api = "/api/v1";

    private static readonly string[] Unlimited = ["/api/v1/info", "/api/v1/auth/me"];
    private static readonly string[] SigningIn = ["/api/v1/auth/login", "/api/v1/auth/register", "/api/v1/auth/refresh"];

    /// <summary>What is not in the table (health, keys, documentation, the console, the live stream) is not limited.</summary>
    /// <param name="path">As it was asked for, decoded. Routing is blind to case and to a slash at the end, so this is too.</param>
    /// <param name="isDevice">Whether a device's key was shown and is good.</param>
    public static string? Of(ReadOnlySpan<char> path, bool isDevice)
    {
        path = path.TrimEnd('/');
        if (!IsUnder(path, Api))
        {
            return IsUnder(path, "/graphql") ? CityPulse : null;
        }

        return Contains(Unlimited, path) ? null
            : Contains(SigningIn, path) ? Auth
            : isDevice ? Ingest
            : IsUnder(path, "/api/v1/ai") ? Ai
            : IsUnder(path, "/api/v1/swarm") ? Swarm
            : CityPulse;
    }

    private static bool IsUnder(ReadOnlySpan<char> path, ReadOnlySpan<char> root) =>
        path.StartsWith(root, StringComparison.OrdinalIgnoreCase) && (path.Length == root.Length || path[root.Length] == '/');

    private static bool Contains(string[] routes, ReadOnlySpan<char> path)
    {
        foreach (var route in routes)
        {
            if (path.Equals(route, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
