namespace CityPulse.Api.Data;

/// <summary>
/// The organisation that the current scope works for: the caller's in a request, a chosen one in background work. It decides under which
/// role of the database the scope's <see cref="CityDb"/> works: with an organisation, or none yet, under the one that row-level security binds.
/// </summary>
internal sealed class TenantContext
{
    public Guid? OrganizationId { get; private set; }

    /// <summary>The scope was made for work across organisations (<see cref="TenantScopes.CreateCrossTenantScope"/>).</summary>
    public bool CrossesOrganizations { get; private set; }

    /// <summary>Binds the scope to an organisation, once: a scope that changed sides would mix two organisations' entities.</summary>
    public void Set(Guid organizationId)
    {
        if (organizationId == Guid.Empty)
        {
            throw new ArgumentException("The empty id names no organisation.", nameof(organizationId));
        }

        if (OrganizationId is { } current && current != organizationId)
        {
            throw new InvalidOperationException("The scope already works for another organisation.");
        }

        if (CrossesOrganizations)
        {
            throw new InvalidOperationException("The scope works across organisations.");
        }

        OrganizationId = organizationId;
    }

    /// <summary>Once and before the scope leases its context, so only at the scope's making.</summary>
    internal void CrossOrganizations() => CrossesOrganizations = OrganizationId is null
        ? true
        : throw new InvalidOperationException("The scope already works for one organisation.");
}
