namespace CityPulse.ServiceDefaults.Tenancy;

/// <summary>Which of the two run-time roles may use a table.</summary>
[Flags]
public enum TableUse
{
    None = 0,
    Requests = 1,
    Work = 2,
    Both = Requests | Work,
}

/// <summary>
/// What is said about a table that has no <c>organization_id</c>. Tables that have one are not listed: their rows are walled by it.
/// A table that is neither is used by nobody at run time.
/// </summary>
/// <param name="Use">Who may read and write it.</param>
/// <param name="Why">Why no row of it gives anything of one organisation to another.</param>
/// <param name="RowsOfRequests">Which rows requests see, as SQL; null for all.</param>
/// <param name="NewRowsOfRequests">Which rows requests may write; null for those that they see.</param>
public sealed record TenantTable(string Name, TableUse Use, string Why, string? RowsOfRequests = null, string? NewRowsOfRequests = null)
{
    /// <summary>The organisation of the session, for <see cref="RowsOfRequests"/>.</summary>
    public const string SessionOrganization = TenantSetting.Organization;
}
