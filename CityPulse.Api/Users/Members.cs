using CityPulse.Api.Data;
using CityPulse.Api.Http;
using CityPulse.Api.Organizations;
using CityPulse.Contracts;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Users;

/// <summary>The members of the context's organisation.</summary>
internal static class Members
{
    public static Task<MemberRow?> FindAsync(CityDb db, Guid userId, CancellationToken cancellationToken) =>
        Rows(db, db.Memberships.Where(m => m.UserId == userId)).SingleOrDefaultAsync(cancellationToken);

    /// <summary>In the order in which they joined.</summary>
    public static Task<List<MemberRow>> ListAsync(CityDb db, IdKey? after, int count, CancellationToken cancellationToken) =>
        Rows(db, after is null ? db.Memberships : db.Memberships.Where(m => m.Id > after.Id)).Take(count).ToListAsync(cancellationToken);

    private static IQueryable<MemberRow> Rows(CityDb db, IQueryable<Membership> members) =>
        from m in members
        join u in db.Users on m.UserId equals u.Id
        orderby m.Id
        select new MemberRow(m.Id, new UserResponse(
            m.UserId, u.Email!, m.DisplayName ?? u.DisplayName, m.Role, m.DisabledAt != null, m.CreatedAt, m.UpdatedAt, m.Version));

    /// <summary>
    /// Reads a member for change. Changes of an organisation's members come one after another, so that two administrators who
    /// demote each other at once cannot both find that the other one is still there.
    /// </summary>
    public static async Task<Membership?> LockAsync(CityDb db, Guid userId, CancellationToken cancellationToken)
    {
        var organization = db.OrganizationId;
        await db.Database.ExecuteSqlAsync(
            $"SELECT pg_advisory_xact_lock(hashtextextended('members:' || {organization}::text, 7207))", cancellationToken);

        // Also held against sign-ins, which share the row: one that was quicker is found, and ended, with the others.
        return await db.Memberships
            .FromSql($"SELECT * FROM memberships WHERE organization_id = {organization} AND user_id = {userId} FOR UPDATE")
            .SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>Whether the organisation has no other administrator who can sign in. True only after <see cref="LockAsync"/>.</summary>
    public static async Task<bool> IsLastAdminAsync(CityDb db, Membership member, CancellationToken cancellationToken) =>
        member is { Role: Role.Admin, DisabledAt: null }
        && !await db.Memberships.AnyAsync(m => m.UserId != member.UserId && m.Role == Role.Admin && m.DisabledAt == null, cancellationToken);

    /// <summary>Ends the person's sessions in this organisation, in the transaction of what ends them.</summary>
    public static Task EndSessionsAsync(CityDb db, Membership member, string because, DateTimeOffset now, CancellationToken cancellationToken) =>
        db.Database.ExecuteSqlAsync(
            $"""
            UPDATE token_families SET revoked_at = {now}, revoked_because = {because}
            WHERE organization_id = {member.OrganizationId} AND user_id = {member.UserId} AND revoked_at IS NULL
            """, cancellationToken);
}
