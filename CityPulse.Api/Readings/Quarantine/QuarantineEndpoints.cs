using CityPulse.Api.Data;
using CityPulse.Api.Http;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Readings.Quarantine;

/// <param name="State"><c>held</c> (waits for a decision), <c>released</c> or <c>discarded</c>; all without it.</param>
/// <param name="From">By the reading's own time, as is <paramref name="To"/>; <c>[from, to)</c>, all without them.</param>
public sealed record QuarantineFilter(
    Guid? SensorId, Guid? BuildingId, string? State, DateTimeOffset? From, DateTimeOffset? To, int? Limit, string? Cursor);

/// <param name="At">When it was observed.</param>
/// <param name="Detail">Why it was held.</param>
/// <param name="ReceivedAt">When it came in first.</param>
internal sealed record QuarantineResponse(
    Guid Id, Guid SensorId, Guid BuildingId, DateTimeOffset At, double Value, string Quality, string Detail, string State,
    DateTimeOffset ReceivedAt, DateTimeOffset? DecidedAt, Guid? DecidedBy, int Version);

internal static class QuarantineEndpoints
{
    private const string Route = "/api/v1/citypulse/quarantine";

    public static void AddQuarantine(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<QuarantineOptions>().BindConfiguration(QuarantineOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddScoped<QuarantineSift>();
    }

    public static void MapQuarantine(this IEndpointRouteBuilder app)
    {
        var quarantine = app.MapGroup(Route).WithTags("Readings").WithMetadata(new RequestSizeLimitAttribute(HttpConventions.MaxBodyBytes));
        quarantine.MapGet("/", ListAsync).WithName("ListQuarantine").WithSummary("Readings that cannot be true by what is known of their sensor, in order of arrival.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().Refuses(400);
        quarantine.MapGet("/{id:guid}", GetAsync).WithName("GetQuarantined").WithSummary("One reading that was held.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().Refuses(404);
        quarantine.MapPost("/{id:guid}/release", ReleaseAsync).WithName("ReleaseQuarantined").WithSummary("Stores a held reading after all.")
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 409, 412);
        quarantine.MapPost("/{id:guid}/discard", DiscardAsync).WithName("DiscardQuarantined").WithSummary("Keeps a held reading out for good.")
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 409, 412);
    }

    private static async Task<Results<Read<Page<QuarantineResponse>>, ProblemHttpResult>> ListAsync(
        [AsParameters] QuarantineFilter filter, CityDb db, Cursors cursors, CancellationToken cancellationToken)
    {
        var check = new Validator();
        check.OneOf("state", filter.State, QuarantineStates.All);
        check.Check(filter.From is not { } since || filter.To is not { } until || since < until, "from", "from must be before to.");
        if (check.Failed)
        {
            return check.ToProblem();
        }

        var scope = new CursorScope(db.OrganizationId, Route, filter.SensorId, filter.BuildingId, filter.State, filter.From, filter.To);
        var (page, problem) = PageStart<IdKey>.From(cursors, scope, filter.Limit, filter.Cursor);
        if (page is null)
        {
            return problem!;
        }

        var held = db.Set<QuarantinedReading>().AsNoTracking()
            .Where(q => filter.SensorId == null || q.SensorId == filter.SensorId)
            .Where(q => filter.BuildingId == null || db.Sensors.Any(s => s.Id == q.SensorId && s.BuildingId == filter.BuildingId))
            .Where(q => filter.State == null || q.State == filter.State);
        if (filter.From is { } from)
        {
            held = held.Where(q => q.ObservedAt >= from.ToUniversalTime());
        }

        if (filter.To is { } to)
        {
            held = held.Where(q => q.ObservedAt < to.ToUniversalTime());
        }

        if (page.After is { } after)
        {
            held = held.Where(q => q.Id > after.Id);
        }

        var rows = Shown(db, held.OrderBy(q => q.Id).Take(page.Fetch));
        return Answers.Read(page.ToPage(await rows.ToListAsync(cancellationToken), q => new IdKey(q.Id)));
    }

    private static async Task<Results<Read<QuarantineResponse>, ProblemHttpResult>> GetAsync(Guid id, CityDb db, CancellationToken cancellationToken) =>
        await FindAsync(db, id, cancellationToken) is { } held
            ? Answers.Read(held, ETags.Of(id, held.Version))
            : Problems.NotFound("quarantined reading");

    /// <summary>The reading is stored first: if the decision is lost, it can be made again.</summary>
    private static Task<Results<Changed<QuarantineResponse>, ProblemHttpResult>> ReleaseAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpContext http, CityDb db, ReadingStore store, TimeProvider time,
        CancellationToken cancellationToken) =>
        DecideAsync(db, http, time, id, ifMatch, QuarantineStates.Released, async held =>
        {
            using var batch = new IngestBatch(Timestamp.FromDateTimeOffset(time.GetUtcNow()));
            batch.Add(new IngestRow
            {
                Name = batch.Names.Add(System.Text.Encoding.ASCII.GetBytes(held.SensorId.ToString()), -1),
                AtMicroseconds = Timestamp.FromDateTimeOffset(held.ObservedAt),
                Value = held.Value,
                Quality = (ReadingQuality)held.Quality,
            });
            var (outcome, sensors) = await store.StoreAsync(db.OrganizationId, batch, null, cancellationToken);
            return outcome.Accepted + outcome.Updated + outcome.Duplicates == 1
                ? null
                : Problems.Conflict($"It cannot be stored: {RowErrors.Of(batch, sensors)[0].Detail}");
        }, cancellationToken);

    private static Task<Results<Changed<QuarantineResponse>, ProblemHttpResult>> DiscardAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpContext http, CityDb db, TimeProvider time, CancellationToken cancellationToken) =>
        DecideAsync(db, http, time, id, ifMatch, QuarantineStates.Discarded, _ => Task.FromResult<ProblemHttpResult?>(null), cancellationToken);

    private static Task<Results<Changed<QuarantineResponse>, ProblemHttpResult>> DecideAsync(
        CityDb db, HttpContext http, TimeProvider time, Guid id, string? ifMatch, string state,
        Func<QuarantinedReading, Task<ProblemHttpResult?>> act, CancellationToken cancellationToken) =>
        db.InTransactionAsync<Results<Changed<QuarantineResponse>, ProblemHttpResult>>(
            async token =>
            {
                if (await db.LockAsync<QuarantinedReading>(id, delete: false, token) is not { } held)
                {
                    return Problems.NotFound("quarantined reading");
                }

                if (Preconditions.Check(ifMatch, id, held.Version) is { } refusal)
                {
                    return refusal;
                }

                // Discarding is no end: what was thought wrong can turn out to be right. What is stored is corrected by ingest.
                if (held.State == state || held.State == QuarantineStates.Released)
                {
                    return Problems.Conflict($"The reading is {held.State}.");
                }

                if (await act(held) is { } failed)
                {
                    return failed;
                }

                held.State = state;
                (held.DecidedAt, held.DecidedBy) = (time.GetUtcNow(), http.User.GetCaller().UserId);
                await db.SaveChangesAsync(token);
                var shown = await FindAsync(db, id, token) ?? throw new InvalidOperationException("The decided reading cannot be read.");
                return Answers.Changed(shown, ETags.Of(id, shown.Version));
            },
            cancellationToken);

    private static Task<QuarantineResponse?> FindAsync(CityDb db, Guid id, CancellationToken cancellationToken) =>
        Shown(db, db.Set<QuarantinedReading>().AsNoTracking().Where(q => q.Id == id)).SingleOrDefaultAsync(cancellationToken);

    private static IQueryable<QuarantineResponse> Shown(CityDb db, IQueryable<QuarantinedReading> held) =>
        from q in held
        join s in db.Sensors on q.SensorId equals s.Id
        orderby q.Id
        select new QuarantineResponse(
            q.Id, q.SensorId, s.BuildingId, q.ObservedAt, q.Value,
            q.Quality == (short)ReadingQuality.Good ? "good" : q.Quality == (short)ReadingQuality.Uncertain ? "uncertain" : "bad",
            q.Detail, q.State, q.CreatedAt, q.DecidedAt, q.DecidedBy, q.Version);
}
