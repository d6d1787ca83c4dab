using CityPulse.Api.Alerts;
using CityPulse.Api.Data;
using CityPulse.Api.Events;
using CityPulse.Api.Http;
using CityPulse.Api.Http.Kept;
using CityPulse.Api.Sensors.Domain;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Sensors;

using Answer = Results<Changed<SensorResponse>, ProblemHttpResult>;

internal static class SensorEndpoints
{
    public const string Route = "/api/v1/citypulse/sensors";

    public static IEndpointRouteBuilder MapSensors(this IEndpointRouteBuilder app)
    {
        var sensors = app.MapGroup(Route).WithTags("Sensors").WithMetadata(new RequestSizeLimitAttribute(HttpConventions.MaxBodyBytes));

        sensors.MapGet("/", ListAsync).WithName("ListSensors").WithSummary("Sensors with their newest reading, in order of creation.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().KeepAnswers().Refuses(400);
        sensors.MapPost("/", CreateAsync).WithName("CreateSensor").WithSummary("Adds a sensor to a building.")
            .RequirePermission(Permission.WriteCity).AcceptIdempotencyKey().Refuses(400, 409, 415);
        sensors.MapGet("/{id:guid}", GetAsync).WithName("GetSensor").WithSummary("One sensor.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().KeepAnswers().Refuses(404);
        sensors.MapPut("/{id:guid}", ReplaceAsync).WithName("ReplaceSensor").WithSummary("Replaces a sensor's settings.")
            .Accepts<SensorRequest>(MediaTypes.Json)
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 409, 412, 415, 428);
        sensors.MapPatch("/{id:guid}", PatchAsync).WithName("PatchSensor").WithSummary("Changes members of a sensor (JSON merge patch).")
            .Accepts<SensorRequest>(MediaTypes.MergePatch, MediaTypes.Json)
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 409, 412, 415, 428);
        sensors.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteSensor").WithSummary("Deletes a sensor and its readings; its open alerts are closed, and all its alerts stay readable.")
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 412);
        return app;
    }

    private static async Task<Results<Read<Page<SensorResponse>>, ProblemHttpResult>> ListAsync(
        [AsParameters] SensorFilter filter, CityDb db, Cursors cursors, TimeProvider clock, CancellationToken cancellationToken)
    {
        var check = new Validator();
        check.OneOf("quantity", filter.Quantity, QuantityTable.All.Keys);
        check.OneOf("status", filter.Status, SensorStatus.All);
        check.SearchText("q", filter.Q);
        if (check.Failed)
        {
            return check.ToProblem();
        }

        var scope = new CursorScope(db.OrganizationId, Route, filter.BuildingId, filter.Quantity, filter.Status, filter.Q);
        var (page, problem) = PageStart<IdKey>.From(cursors, scope, filter.Limit, filter.Cursor);
        if (page is null)
        {
            return problem!;
        }

        var sensors = db.Sensors
            .Where(s => filter.BuildingId == null || s.BuildingId == filter.BuildingId)
            .Where(s => filter.Quantity == null || s.Quantity == filter.Quantity);
        if (filter.Q is { Length: > 0 } q)
        {
            sensors = sensors.Where(s => EF.Functions.ILike(s.Name, Rows.Containing(q), "\\"));
        }

        var now = clock.GetUtcNow();
        var found = await SensorQueries.ListAsync(db, sensors, filter.Status, page, now, cancellationToken);
        // Into a list by status any sensor may come at any time.
        return Answers.Read(found, holdsUntil: filter.Status is null ? SensorQueries.HoldsUntil(found.Items, now) : now);
    }

    private static async Task<Results<Added<SensorResponse>, ProblemHttpResult>> CreateAsync(
        SensorRequest request, CityDb db, Outbox outbox, TimeProvider clock, CancellationToken cancellationToken)
    {
        var check = SensorRules.Check(request);
        if (check.Failed)
        {
            return check.ToProblem();
        }

        return await db.InTransactionAsync<Results<Added<SensorResponse>, ProblemHttpResult>>(
            async token =>
            {
                var sensor = new Sensor { Name = "", Quantity = "", Unit = "", Kind = "", Interpolation = "", IntervalLabel = "" };
                sensor.Write(request);
                db.Add(sensor);
                var (saved, refusal) = await SaveAsync(db, outbox, sensor, "sensor.created", clock, token);
                return saved is null ? refusal! : Answers.Created($"{Route}/{saved.Id}", saved, saved.ETag());
            },
            cancellationToken);
    }

    private static async Task<Results<Read<SensorResponse>, ProblemHttpResult>> GetAsync(
        Guid id, CityDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        return await SensorQueries.FindAsync(db, id, now, cancellationToken) is { } sensor
            ? Answers.Read(sensor, sensor.ETag(), holdsUntil: SensorQueries.HoldsUntil([sensor], now))
            : Problems.NotFound("sensor");
    }

    private static async Task<Answer> ReplaceAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpRequest http, CityDb db, Outbox outbox, TimeProvider clock, CancellationToken cancellationToken)
    {
        var (request, problem) = await Bodies.ReadReplacementAsync<SensorRequest>(http, SensorRules.ReadOnly, id);
        return request is null
            ? problem!
            : await ChangeAsync(db, outbox, clock, id, ifMatch, _ => new(request, null), cancellationToken);
    }

    private static async Task<Answer> PatchAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpRequest http, CityDb db, Outbox outbox, TimeProvider clock, CancellationToken cancellationToken)
    {
        var (patch, problem) = await Bodies.ReadMergePatchAsync<SensorRequest>(http);
        return patch is null
            ? problem!
            : await ChangeAsync(db, outbox, clock, id, ifMatch, s => SensorRules.Patch(s, patch, Json.Options(http.HttpContext)), cancellationToken);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, CityDb db, Outbox outbox, AlertRetirement alerts, TimeProvider clock,
        CancellationToken cancellationToken) =>
        await db.InTransactionAsync<Results<NoContent, ProblemHttpResult>>(
            async token =>
            {
                if (await db.LockAsync<Sensor>(id, delete: true, token) is not { } sensor)
                {
                    return Problems.NotFound("sensor");
                }

                if (Preconditions.Check(ifMatch, id, sensor.Version) is { } refusal)
                {
                    return refusal;
                }

                await SensorQueries.RemoveAsync(db, outbox, alerts, [sensor], clock.GetUtcNow(), token);
                await db.SaveChangesAsync(token);
                return TypedResults.NoContent();
            },
            cancellationToken);

    private static Task<Answer> ChangeAsync(
        CityDb db, Outbox outbox, TimeProvider clock, Guid id, string? ifMatch, Func<Sensor, Parsed<SensorRequest>> change, CancellationToken cancellationToken) =>
        db.InTransactionAsync<Answer>(
            async token =>
            {
                if (await db.LockAsync<Sensor>(id, delete: false, token) is not { } sensor)
                {
                    return Problems.NotFound("sensor");
                }

                if (Preconditions.Require(ifMatch, id, sensor.Version) is { } refusal)
                {
                    return refusal;
                }

                var (request, problem) = change(sensor);
                if (request is null)
                {
                    return problem!;
                }

                var check = SensorRules.Check(request);
                if (check.Failed)
                {
                    return check.ToProblem();
                }

                sensor.Write(request);
                var (saved, unsaved) = await SaveAsync(db, outbox, sensor, "sensor.updated", clock, token);
                return saved is null ? unsaved! : Answers.Changed(saved, saved.ETag());
            },
            cancellationToken);

    /// <summary>Saves a sensor and tells it; a change that changes nothing is no event.</summary>
    private static async Task<(SensorResponse? Saved, ProblemHttpResult? Refusal)> SaveAsync(
        CityDb db, Outbox outbox, Sensor sensor, string type, TimeProvider clock, CancellationToken cancellationToken)
    {
        // Asked first for the sake of the answer; a building that goes meanwhile is refused by the database all the same.
        if (!await db.Buildings.AnyAsync(b => b.Id == sensor.BuildingId, cancellationToken))
        {
            return (null, NoSuchBuilding());
        }

        var changed = db.ChangeTracker.HasChanges();
        switch (await db.TrySaveAsync(cancellationToken))
        {
            case null:
                break;
            case SensorConfiguration.ExternalIdIndex:
                return (null, Problems.Conflict("Another sensor of the organisation has this externalId."));
            case SensorConfiguration.BuildingKey:
                return (null, NoSuchBuilding());
            case var other:
                throw new InvalidOperationException($"A sensor was refused by {other}.");
        }

        var saved = await SensorQueries.FindAsync(db, sensor.Id, clock.GetUtcNow(), cancellationToken)
            ?? throw new InvalidOperationException("The saved sensor cannot be read.");
        if (changed)
        {
            outbox.Append(db, db.OrganizationId, type, [Topics.Buildings], saved);
            await db.SaveChangesAsync(cancellationToken);
        }

        return (saved, null);

        static ProblemHttpResult NoSuchBuilding() => Problems.Validation("buildingId", "There is no such building.");
    }
}
