using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CityPulse.Api.Http;

/// <summary>Rows under change, and the refusals of the database that are answers and not faults.</summary>
internal static class Rows
{
    /// <summary>
    /// Reads a row for change. Other writers of the row wait until the transaction ends, so the version that a
    /// precondition was checked against is the version that is replaced.
    /// </summary>
    /// <param name="delete">Waits also for rows that are just being put under it.</param>
    public static Task<TEntity?> LockAsync<TEntity>(this CityDb db, Guid id, bool delete, CancellationToken cancellationToken)
        where TEntity : TenantEntity
    {
        var sql = "SELECT * FROM " + db.Model.FindEntityType(typeof(TEntity))!.GetTableName()
            + " WHERE organization_id = {0} AND id = {1} " + (delete ? "FOR UPDATE" : "FOR NO KEY UPDATE");
        return db.Set<TEntity>().FromSqlRaw(sql, db.OrganizationId, id).SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>Saves, and gives the name of the constraint that refused it; null when it is saved.</summary>
    public static async Task<string?> TrySaveAsync(this CityDb db, CancellationToken cancellationToken)
    {
        try
        {
            await db.SaveChangesAsync(cancellationToken);
            return null;
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException
        {
            SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ForeignKeyViolation,
            ConstraintName: { } constraint,
        })
        {
            return constraint;
        }
    }

    /// <summary>A pattern for ILIKE, with <c>\</c> as escape, that finds <paramref name="text"/> anywhere, letter for letter.</summary>
    public static string Containing(string text) =>
        $"%{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal)}%";
}
