using CityPulse.Api.Auth.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Organizations;
using CityPulse.Contracts;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CityPulse.Api.Auth;

/// <summary>Makes organisations, users and memberships.</summary>
internal sealed class Accounts(CityDb db, UserManager<User> users, TimeProvider time)
{
    public Organization AddOrganization(string name)
    {
        var now = time.GetUtcNow();
        var organization = new Organization { Id = Guid.CreateVersion7(now), Name = name, CreatedAt = now };
        db.Add(organization);
        return organization;
    }

    /// <summary>Adds a new user as a member; null when the address is taken. Nothing is stored before <see cref="TrySaveAsync"/>.</summary>
    /// <param name="password">As <see cref="PasswordPolicy.Prepare"/> made it.</param>
    public async Task<User?> AddUserAsync(Organization organization, string email, string password, string displayName, Role role)
    {
        var now = time.GetUtcNow();
        var user = new User { Id = Guid.CreateVersion7(now), Email = email, DisplayName = displayName, CreatedAt = now };
        var made = await users.CreateAsync(user, password);
        if (!made.Succeeded)
        {
            return made.Errors.All(e => e.Code is nameof(IdentityErrorDescriber.DuplicateEmail) or nameof(IdentityErrorDescriber.DuplicateUserName))
                ? null
                : throw new InvalidOperationException($"A checked account was refused: {string.Join(", ", made.Errors.Select(e => e.Code))}.");
        }

        db.Add(new Membership { OrganizationId = organization.Id, UserId = user.Id, Role = role });
        return user;
    }

    /// <summary>Stores all in one transaction; false when somebody else took the address in the meantime.</summary>
    public async Task<bool> TrySaveAsync(CancellationToken cancellationToken)
    {
        try
        {
            await db.SaveChangesAsync(cancellationToken);
            return true;
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return false;
        }
    }
}
