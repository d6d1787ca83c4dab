using CityPulse.Contracts;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>The frontends' names as they stand in tokens and in <c>X-Frontend-Source</c>: lower case.</summary>
public static class FrontendNames
{
    // Not Enum.TryParse, which also takes numbers and lists.
    private static readonly (string Name, Frontend Frontend)[] Names =
        [.. Enum.GetValues<Frontend>().Select(f => (f.ToString().ToLowerInvariant(), f))];

    public static string Of(Frontend frontend) => Array.Find(Names, n => n.Frontend == frontend).Name;

    public static bool TryParse(string? text, out Frontend frontend)
    {
        foreach (var candidate in Names)
        {
            if (string.Equals(text, candidate.Name, StringComparison.OrdinalIgnoreCase))
            {
                frontend = candidate.Frontend;
                return true;
            }
        }

        frontend = default;
        return false;
    }
}
