using CityPulse.Api.Auth.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Organizations;
using CityPulse.Contracts;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CityPulse.Api.Auth;

/// <summary>Makes organisations, users and memberships.</summary>
internal sealed class Accounts(
    CityDb db, TenantContext tenant, NpgsqlDataSource source, UserManager<User> users, ILookupNormalizer normalizer, TimeProvider time)
{
    /// <summary>A new organisation, for which a stranger's request works from here on.</summary>
    public Organization AddOrganization(string name)
    {
        var now = time.GetUtcNow();
        var organization = new Organization { Id = Guid.CreateVersion7(now), Name = name, CreatedAt = now };
        db.Add(organization);
        if (!tenant.CrossesOrganizations)
        {
            tenant.Set(organization.Id);
        }

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

    /// <summary>
    /// The account of an address, a new one when there is none. Two who invite the same new address at once get the same account. One
    /// that is a member nowhere begins anew, as if it had not been there; it can do nothing until the caller makes it a member.
    /// </summary>
    /// <param name="passwordHash">Of an account that begins; another one keeps its own.</param>
    public async Task<Guid> FindOrAddUserAsync(string email, string passwordHash, string displayName, CancellationToken cancellationToken)
    {
        // Not through the context: accounts are beyond what one organisation sees.
        const string sql = """
            insert into users as u (id, email, normalized_email, display_name, password_hash, security_stamp, concurrency_stamp, created_at,
                                    email_confirmed, lockout_enabled, access_failed_count)
            values (@id, @email, @normalized, @name, @hash, @stamp, @stamp, @now, false, true, 0)
            on conflict (normalized_email) do update set
                password_hash = case when exists (select from memberships m where m.user_id = u.id) then u.password_hash else excluded.password_hash end,
                display_name = case when exists (select from memberships m where m.user_id = u.id) then u.display_name else excluded.display_name end
            returning id
            """;
        var now = time.GetUtcNow();
        await using var command = source.CreateCommand(sql);
        command.Parameters.AddWithValue("id", Guid.CreateVersion7(now));
        command.Parameters.AddWithValue("email", email);
        command.Parameters.AddWithValue("normalized", normalizer.NormalizeEmail(email));
        command.Parameters.AddWithValue("name", displayName);
        command.Parameters.AddWithValue("hash", passwordHash);
        command.Parameters.AddWithValue("stamp", Guid.NewGuid().ToString());
        command.Parameters.AddWithValue("now", now);
        return (Guid)(await command.ExecuteScalarAsync(cancellationToken))!;
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
