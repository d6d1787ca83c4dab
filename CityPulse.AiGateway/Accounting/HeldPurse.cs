using CityPulse.AiGateway.Accounting.Domain;

namespace CityPulse.AiGateway.Accounting;

/// <summary>Whose month's money a purse is.</summary>
internal readonly record struct PurseKey(Guid OrganizationId, Guid UserId, DateOnly Month);

/// <summary>A purse of this replica and what stands for it in the accounts: one reservation. Guarded by the lock of <see cref="LedgerWriter"/>.</summary>
internal sealed class HeldPurse(PurseKey key, decimal? organizationLimitUsd, decimal? userLimitUsd, TimeSpan lifetime, Guid reservationId)
{
    public PurseKey Key => key;

    public decimal? OrganizationLimitUsd => organizationLimitUsd;

    public decimal? UserLimitUsd => userLimitUsd;

    public Guid ReservationId => reservationId;

    public Purse Money { get; } = new();

    /// <summary>When others may take the reservation for that of a replica that has died.</summary>
    public DateTimeOffset ExpiresAt { get; set; }

    public TimeSpan Lifetime => lifetime;

    /// <summary>Half of its time is left for it to be prolonged in.</summary>
    public DateTimeOffset RenewAt => ExpiresAt == default ? default : ExpiresAt - (lifetime / 2);

    /// <summary>Whether the month's rows are there.</summary>
    public bool IsOpened { get; set; }

    /// <summary>Whether the accounts may hold something else for it than it thinks, until they are asked again.</summary>
    public bool IsInDoubt => IsOpened && ExpiresAt == default;

    /// <summary>Whether somebody used it since it was last looked at.</summary>
    public bool WasUsed { get; set; }

    /// <summary>Entries that are on their way to the accounts.</summary>
    public int Pending { get; set; }

    /// <summary>Whether the accounts are being asked for more.</summary>
    public bool IsFilling { get; set; }

    /// <summary>Nobody knows whether the accounts have done what they were told: nothing is handed out before they have been asked again.</summary>
    public void Doubt() => ExpiresAt = default;
}
