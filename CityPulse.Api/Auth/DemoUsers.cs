using CityPulse.Api.Auth.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Organizations;
using CityPulse.Contracts;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Auth;

/// <summary>Development only: an organisation to look at, one user a role, with the password <c>Demo:Password</c>.</summary>
internal sealed partial class DemoUsers(CityDb db, Accounts accounts, IConfiguration configuration, ILogger<DemoUsers> logger) : IDatabaseSeed
{
    public const string Organization = "Demo City";
    private const string Domain = "demo.citypulse.local";

    private static readonly (string Email, string DisplayName, Role Role)[] People =
    [
        ($"admin@{Domain}", "Demo Admin", Role.Admin),
        ($"manager@{Domain}", "Demo Manager", Role.Manager),
        ($"user@{Domain}", "Demo User", Role.User),
    ];

    public async Task SeedAsync(CancellationToken cancellationToken)
    {
        if (configuration["Demo:Password"] is not { Length: > 0 } password)
        {
            LogNone();
            return;
        }

        password = PasswordPolicy.Prepare(password);
        if (PasswordPolicy.Refusal(password) is { } refusal)
        {
            throw new InvalidOperationException($"Demo:Password cannot be used: {refusal}");
        }

        var organization = await FindOrganizationAsync(cancellationToken) ?? accounts.AddOrganization(Organization);
        var existing = await db.Users.Where(u => u.Email!.EndsWith("@" + Domain)).Select(u => u.Email).ToListAsync(cancellationToken);
        foreach (var (email, displayName, role) in People.Where(p => !existing.Contains(p.Email)))
        {
            await accounts.AddUserAsync(organization, email, password, displayName, role);
        }

        // Another replica cannot be quicker: seeds run under the lock of the migrations.
        await db.SaveChangesAsync(cancellationToken);
        LogThere(string.Join(", ", People.Select(p => p.Email)));
    }

    private Task<Organization?> FindOrganizationAsync(CancellationToken cancellationToken) => (
        from u in db.Users
        join m in db.Memberships.IgnoreQueryFilters([CityDb.TenantFilter]) on u.Id equals m.UserId
        join o in db.Organizations on m.OrganizationId equals o.Id
        where u.Email!.EndsWith("@" + Domain) && o.Name == Organization
        select o).FirstOrDefaultAsync(cancellationToken);

    [LoggerMessage(LogLevel.Information, "Demo users: {Emails}; the password is that of Demo:Password")]
    private partial void LogThere(string emails);

    [LoggerMessage(LogLevel.Information, "No demo users, since Demo:Password is not set")]
    private partial void LogNone();
}
