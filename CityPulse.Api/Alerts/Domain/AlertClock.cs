namespace CityPulse.Api.Alerts.Domain;

/// <summary>
/// The time by which silence and delays are judged. A replica whose clock runs ahead would find sensors silent that are not, and tell people;
/// all replicas share the database's clock, so no replica is further ahead of it than clocks usually are.
/// </summary>
internal static class AlertClock
{
    public static DateTimeOffset Trusted(DateTimeOffset own, DateTimeOffset database, TimeSpan tolerance) => IsAhead(own, database, tolerance) ? database : own;

    public static bool IsAhead(DateTimeOffset own, DateTimeOffset database, TimeSpan tolerance) => own - database > tolerance;
}
