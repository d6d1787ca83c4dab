namespace CityPulse.Api.Buildings;

internal static class BuildingUses
{
    public static readonly string[] All =
    [
        "office", "school", "university", "hospital", "residential", "retail", "industrial", "warehouse", "public", "transport", "other",
    ];
}
