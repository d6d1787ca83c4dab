namespace CityPulse.Api.Data;

/// <summary>The organisation that the current scope works for: the caller's in a request, a chosen one in background work.</summary>
internal sealed class TenantContext
{
    public Guid? OrganizationId { get; private set; }

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

        OrganizationId = organizationId;
    }
}
