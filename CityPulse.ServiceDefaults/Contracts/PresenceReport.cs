namespace CityPulse.Contracts;

/// <summary>
/// What one replica of Realtime says in Redis about who is connected to it. It says so again and again, and a report that
/// is not renewed is forgotten: so a replica that was killed takes its people with it.
/// </summary>
/// <param name="Online">Everybody with at least one connection, each once.</param>
/// <param name="Asked">How often a client of an organisation wanted to know who is there; when the number changes, all are told.</param>
public sealed record PresenceReport(IReadOnlyList<PresentPerson> Online, IReadOnlyDictionary<Guid, long> Asked)
{
    /// <summary>Redis set of the replicas that report.</summary>
    public const string Replicas = "citypulse:presence:replicas";

    /// <summary>There as long as Redis has not lost what it held.</summary>
    public const string Marker = "citypulse:presence:kept";

    /// <summary>How often a report is renewed.</summary>
    public static readonly TimeSpan Renewal = TimeSpan.FromSeconds(5);

    /// <summary>How long a report counts.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(20);

    /// <summary>Redis key of a replica's report.</summary>
    public static string Key(string replica) => $"citypulse:presence:{replica}";
}

/// <summary>A person at one of the frontends, or at none.</summary>
public sealed record PresentPerson(Guid OrganizationId, Guid UserId, Frontend? Frontend);
