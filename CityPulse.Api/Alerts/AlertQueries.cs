using System.Linq.Expressions;
using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Alerts;

internal static class AlertQueries
{
    public static readonly Expression<Func<Alert, AlertResponse>> ToResponse = a => new AlertResponse(
        a.Id, a.RuleId, a.SensorId, a.BuildingId, a.Severity, a.State, a.Value, a.Threshold, a.Message, a.RaisedAt,
        a.AcknowledgedAt, a.AcknowledgedBy, a.ClearedAt, a.ClosedAt, a.ShelvedUntil, a.Occurrences, a.Version);

    private static readonly Func<Alert, AlertResponse> ToResponseCompiled = ToResponse.Compile();

    /// <summary>An alert as clients see it.</summary>
    public static AlertResponse Shape(Alert alert) => ToResponseCompiled(alert);

    public static async Task<AlertResponse?> FindAsync(CityDb db, Guid id, CancellationToken cancellationToken)
    {
        if (await db.Set<Alert>().AsNoTracking().Where(a => a.Id == id).Select(ToResponse).SingleOrDefaultAsync(cancellationToken) is not { } alert)
        {
            return null;
        }

        var history = await (
            from e in db.Set<AlertEntry>().AsNoTracking()
            join u in db.Users on e.ByUser equals (Guid?)u.Id into users
            from user in users.DefaultIfEmpty()
            where e.AlertId == id
            orderby e.Id
            select new AlertEntryModel(e.At, e.RecordedAt, e.Action, e.State, e.ByUser, user == null ? null : user.DisplayName, e.Comment))
            .ToListAsync(cancellationToken);
        return alert with { History = history };
    }

    /// <summary>Alerts of a building, or of all, that still want somebody.</summary>
    public static Task<int> CountOpenAsync(CityDb db, Guid? buildingId, CancellationToken cancellationToken) =>
        db.Set<Alert>().CountAsync(a => (buildingId == null || a.BuildingId == buildingId) && a.State != Domain.AlertState.Closed, cancellationToken);
}
