using CityPulse.Api.Data;
using CityPulse.Api.Http;
using CityPulse.Api.Sensors;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Readings;

/// <summary>Answers <c>GET /readings/latest</c>: one index lookup a sensor.</summary>
internal static class LatestQueries
{
    public static async Task<Results<Read<Page<LatestItem>>, ProblemHttpResult>> ReadAsync(
        [AsParameters] LatestFilter filter, CityDb db, Cursors cursors, CancellationToken cancellationToken)
    {
        var scope = new CursorScope(db.OrganizationId, "readings/latest", filter.BuildingId);
        var (page, problem) = PageStart<IdKey>.From(cursors, scope, filter.Limit, filter.Cursor);
        if (page is null)
        {
            return problem!;
        }

        if (filter.BuildingId is { } building && !await db.Buildings.AnyAsync(b => b.Id == building, cancellationToken))
        {
            return Problems.NotFound("building");
        }

        var sensors = db.Sensors.AsNoTracking().Where(s => filter.BuildingId == null || s.BuildingId == filter.BuildingId);
        if (page.After is { } after)
        {
            sensors = sensors.Where(s => s.Id > after.Id);
        }

        var latest = sensors.OrderBy(s => s.Id).WithLast(db).Where(r => r.LastAt != null).OrderBy(r => r.Sensor.Id)
            .Select(r => new LatestItem(r.Sensor.Id, r.Sensor.BuildingId, r.LastAt!.Value, r.LastValue!.Value, r.Sensor.Unit));
        if (filter.Limit is null && page.After is null)
        {
            return Answers.Read(new Page<LatestItem>(await latest.ToListAsync(cancellationToken), null));
        }

        return Answers.Read(page.ToPage(await latest.Take(page.Fetch).ToListAsync(cancellationToken), item => new IdKey(item.SensorId)));
    }
}
