using CityPulse.Api.Alerts.Channels.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Http;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Alerts.Channels;

using Answer = Results<Read<Page<DeliveryResponse>>, ProblemHttpResult>;

/// <summary>What became of what was sent.</summary>
internal static class DeliveryEndpoints
{
    public static async Task<Answer> ListOfAlertAsync(
        Guid id, [AsParameters] DeliveryFilter filter, CityDb db, Cursors cursors, CancellationToken cancellationToken) =>
        await db.Set<Alert>().AnyAsync(a => a.Id == id, cancellationToken)
            ? await ListAsync(db, cursors, $"{AlertEndpoints.Route}/{id}", db.Deliveries().Where(d => d.AlertId == id), filter, cancellationToken)
            : Problems.NotFound("alert");

    public static async Task<Answer> ListOfChannelAsync(
        Guid id, [AsParameters] DeliveryFilter filter, CityDb db, Cursors cursors, CancellationToken cancellationToken) =>
        await db.Set<AlertChannel>().AnyAsync(c => c.Id == id, cancellationToken)
            ? await ListAsync(db, cursors, $"{ChannelEndpoints.Route}/{id}", db.Deliveries().Where(d => d.ChannelId == id), filter, cancellationToken)
            : ChannelEndpoints.NotFound();

    public static async Task<Results<Ok<DeliveryResponse>, ProblemHttpResult>> TestAsync(
        Guid id, CityDb db, DeliveryQueue queue, DeliveryRun run, CancellationToken cancellationToken)
    {
        if (await db.Set<AlertChannel>().AsNoTracking().SingleOrDefaultAsync(c => c.Id == id, cancellationToken) is not { } channel)
        {
            return ChannelEndpoints.NotFound();
        }

        var test = queue.NewTest(channel);
        db.Add(test);
        await db.SaveChangesAsync(cancellationToken);
        db.ChangeTracker.Clear();
        await run.RunAsync(test.Id, test.Lease!.Value, cancellationToken);
        db.ChangeTracker.Clear();
        var found = await db.Deliveries().AsNoTracking().Where(d => d.Id == test.Id).ToListAsync(cancellationToken);
        return (await ShapeAsync(db, found, cancellationToken)) is [var outcome] ? TypedResults.Ok(outcome) : ChannelEndpoints.NotFound();
    }

    private static async Task<Answer> ListAsync(
        CityDb db, Cursors cursors, string list, IQueryable<Delivery> deliveries, DeliveryFilter filter, CancellationToken cancellationToken)
    {
        var check = new Validator();
        check.OneOf("status", filter.Status, Words.All<DeliveryStatus>());
        if (check.Failed)
        {
            return check.ToProblem();
        }

        var (page, problem) = PageStart<IdKey>.From(cursors, new CursorScope(db.OrganizationId, list + "/deliveries", filter.Status), filter.Limit, filter.Cursor);
        if (page is null)
        {
            return problem!;
        }

        deliveries = Words.TryParse<DeliveryStatus>(filter.Status, out _) ? deliveries.Where(d => d.Status == filter.Status) : deliveries;
        deliveries = page.After is { } after ? deliveries.Where(d => d.Id < after.Id) : deliveries;
        var found = page.ToPage(
            await deliveries.AsNoTracking().OrderByDescending(d => d.Id).Take(page.Fetch).ToListAsync(cancellationToken), d => new IdKey(d.Id));
        return Answers.Read(new Page<DeliveryResponse>(await ShapeAsync(db, found.Items, cancellationToken), found.NextCursor));
    }

    private static async Task<IReadOnlyList<DeliveryResponse>> ShapeAsync(CityDb db, IReadOnlyList<Delivery> deliveries, CancellationToken cancellationToken)
    {
        var ids = deliveries.Select(d => d.Id).ToArray();
        var attempts = (await db.Set<DeliveryAttempt>().AsNoTracking().Where(a => ids.Contains(a.DeliveryId)).OrderBy(a => a.Id).ToListAsync(cancellationToken))
            .ToLookup(a => a.DeliveryId, a => new AttemptModel(a.At, a.DurationMs, a.StatusCode, a.Error));
        return
        [
            .. deliveries.Select(d => new DeliveryResponse(
                d.Id, d.ChannelId, d.AlertId, d.EventId, d.EventType, d.Status, [.. attempts[d.Id]], d.CreatedAt, d.NextAttemptAt, d.FinishedAt, d.GroupId)),
        ];
    }
}
