using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Http.Kept;

/// <summary>Sees to it that every versioned table tells when it changes, so that no slice can forget it.</summary>
internal static class AnswerTriggers
{
    /// <summary>After the migrations, under the same lock; does nothing where all is there.</summary>
    public static Task BuildAsync(CityDb db, CancellationToken cancellationToken)
    {
        var tables = db.Model.GetEntityTypes().Where(t => t.ClrType.IsSubclassOf(typeof(TenantEntity))).Select(t => t.GetTableName()!).ToArray();
        return db.Database.ExecuteSqlAsync(
            $"""
            SELECT answers_change_with(t.name::regclass) FROM unnest({tables}) AS t (name)
            WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = t.name::regclass AND tgname = 'answers_change')
            """, cancellationToken);
    }
}
