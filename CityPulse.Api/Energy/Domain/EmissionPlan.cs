namespace CityPulse.Api.Energy.Domain;

/// <summary>kg CO₂e per kWh of a carrier in a region and year, and where the number is from (GHG Protocol, Scope 2).</summary>
/// <param name="Method"><c>location</c> (the grid's average) or <c>market</c> (what was bought).</param>
internal sealed record EmissionRate(Guid Id, string Region, int Year, string Carrier, string Method, string Source, double KgPerKWh, int Version);

internal static class EmissionMethods
{
    public const string Location = "location";
    public const string Market = "market";

    public static readonly string[] All = [Location, Market];
}

/// <summary>
/// By what a building's energy is turned into emissions: by its own factor, whatever the carrier, else by its region's factor of the
/// carrier and of the local year. There is no default: energy that nothing fits has no known emissions.
/// </summary>
internal sealed class EmissionPlan(double? ownKgPerKWh, IReadOnlyList<EmissionRate> rates)
{
    public static readonly EmissionPlan Unknown = new(null, []);

    public double? OwnKgPerKWh => ownKgPerKWh;

    public EmissionRate this[int number] => rates[number];

    /// <summary>Which of the rates holds when; null when the building's own factor decides, or nothing does.</summary>
    public StepSchedule? Schedule(string carrier, DateTimeOffset from, DateTimeOffset to, TimeZoneInfo zone)
    {
        if (ownKgPerKWh is not null || !rates.Any(r => r.Carrier == carrier))
        {
            return null;
        }

        var (first, last) = (CivilTime.DayOf(from, zone).Year, CivilTime.DayOf(to, zone).Year);
        return new StepSchedule(Enumerable.Range(first, last - first + 1).Select(year => (
            CivilTime.StartOf(new DateOnly(year, 1, 1), zone).UtcTicks,
            rates.TakeWhile(r => r.Carrier != carrier || r.Year != year).Count() is var i && i < rates.Count ? i : StepSchedule.None)));
    }
}
