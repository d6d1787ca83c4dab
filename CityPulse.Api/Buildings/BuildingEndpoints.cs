using CityPulse.Api.Alerts;
using CityPulse.Api.Data;
using CityPulse.Api.Energy.Terms;
using CityPulse.Api.Events;
using CityPulse.Api.Http;
using CityPulse.Api.Http.Kept;
using CityPulse.Api.Sensors;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Net.Http.Headers;

namespace CityPulse.Api.Buildings;

using Answer = Results<Changed<BuildingResponse>, ProblemHttpResult>;

internal static class BuildingEndpoints
{
    public const string Route = "/api/v1/citypulse/buildings";

    public static WebApplicationBuilder AddBuildings(this WebApplicationBuilder builder)
    {
        builder.Services.AddScoped<BuildingSummaries>();
        return builder;
    }

    public static IEndpointRouteBuilder MapBuildings(this IEndpointRouteBuilder app)
    {
        var buildings = app.MapGroup(Route).WithTags("Buildings").WithMetadata(new RequestSizeLimitAttribute(HttpConventions.MaxBodyBytes));

        buildings.MapGet("/", ListAsync).WithName("ListBuildings")
            .WithSummary("Buildings, in order of creation or nearest first; as GeoJSON when that is asked for.")
            .Produces<Page<BuildingResponse>>().AlsoAnswers<BuildingFeatureCollection>(MediaTypes.GeoJson)
            .RequirePermission(Permission.ReadCity).ReadsConditionally().KeepAnswers().Refuses(400);
        buildings.MapPost("/", CreateAsync).WithName("CreateBuilding").WithSummary("Adds a building.")
            .RequirePermission(Permission.WriteCity).AcceptIdempotencyKey().Refuses(400, 415);
        buildings.MapGet("/{id:guid}", GetAsync).WithName("GetBuilding").WithSummary("One building.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().KeepAnswers().Refuses(404);
        buildings.MapPut("/{id:guid}", ReplaceAsync).WithName("ReplaceBuilding").WithSummary("Replaces a building's data.")
            .Accepts<BuildingRequest>(MediaTypes.Json)
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 412, 415, 428);
        buildings.MapPatch("/{id:guid}", PatchAsync).WithName("PatchBuilding").WithSummary("Changes members of a building (JSON merge patch).")
            .Accepts<BuildingRequest>(MediaTypes.MergePatch, MediaTypes.Json)
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 412, 415, 428);
        buildings.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteBuilding")
            .WithSummary("Deletes a building; with cascade=true its sensors and their readings too.")
            .RequirePermission(Permission.Administer).Refuses(400, 404, 409, 412);
        buildings.MapGet("/{id:guid}/sensors", ListSensorsAsync).WithName("ListBuildingSensors").WithSummary("The building's sensors.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().KeepAnswers().Refuses(400, 404);
        buildings.MapGet("/{id:guid}/summary", SummarizeAsync).WithName("GetBuildingSummary")
            .WithSummary("The building at a glance: sensor states, open alerts, energy today and this month, newest readings.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().Refuses(404);
        return app;
    }

    private static async Task<Results<Read<Page<BuildingResponse>>, Read<BuildingFeatureCollection>, ProblemHttpResult>> ListAsync(
        [AsParameters] BuildingFilter filter, HttpContext http, CityDb db, Cursors cursors, CancellationToken cancellationToken)
    {
        var check = new Validator();
        check.SearchText("q", filter.Q);
        check.SearchText("tag", filter.Tag);
        check.OneOf("use", filter.Use, BuildingUses.All);
        var box = Box.Parse(check, filter.Bbox);
        var near = Circle.Parse(check, filter.Near, filter.RadiusM);
        if (check.Failed)
        {
            return check.ToProblem();
        }

        var scope = new CursorScope(db.OrganizationId, Route, filter.Q, filter.Use, filter.Tag, filter.Bbox, filter.Near, filter.RadiusM);
        var (page, problem) = PageStart<BuildingKey>.From(cursors, scope, filter.Limit, filter.Cursor);
        if (page is null)
        {
            return problem!;
        }

        IQueryable<Building> buildings = db.Buildings;
        buildings = filter.Q is { Length: > 0 } q ? buildings.Where(b => EF.Functions.ILike(b.Name, Rows.Containing(q), "\\")) : buildings;
        buildings = filter.Use is { } use ? buildings.Where(b => b.Use == use) : buildings;
        buildings = filter.Tag is { } tag ? buildings.Where(b => b.Tags.Contains(tag)) : buildings;
        buildings = box is null ? buildings : buildings.Within(box);

        var found = await BuildingQueries.ListAsync(buildings, near, page, cancellationToken);
        http.Response.Headers.Append(HeaderNames.Vary, HeaderNames.Accept);
        return WantsGeoJson(http.Request)
            ? Answers.Read(BuildingFeatureCollection.Of(found), contentType: MediaTypes.GeoJson)
            : Answers.Read(found);
    }

    private static async Task<Results<Added<BuildingResponse>, ProblemHttpResult>> CreateAsync(
        BuildingRequest request, CityDb db, Outbox outbox, TimeProvider clock, CancellationToken cancellationToken)
    {
        var check = BuildingRules.Check(request, clock.GetUtcNow());
        if (check.Failed)
        {
            return check.ToProblem();
        }

        return await db.InTransactionAsync<Results<Added<BuildingResponse>, ProblemHttpResult>>(
            async token =>
            {
                var building = new Building { Name = "", Use = "", TimeZone = "" };
                building.Write(request);
                db.Add(building);
                var (saved, refusal) = await SaveAsync(db, outbox, building, "building.created", token);
                return saved is null ? refusal! : Answers.Created($"{Route}/{saved.Id}", saved, saved.ETag());
            },
            cancellationToken);
    }

    private static async Task<Results<Read<BuildingResponse>, ProblemHttpResult>> GetAsync(Guid id, CityDb db, CancellationToken cancellationToken) =>
        await BuildingQueries.FindAsync(db, id, cancellationToken) is { } building
            ? Answers.Read(building, building.ETag())
            : Problems.NotFound("building");

    private static async Task<Answer> ReplaceAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpRequest http, CityDb db, Outbox outbox, TimeProvider clock, CancellationToken cancellationToken)
    {
        var (request, problem) = await Bodies.ReadReplacementAsync<BuildingRequest>(http, BuildingRules.ReadOnly, id);
        return request is null
            ? problem!
            : await ChangeAsync(db, outbox, clock, id, ifMatch, _ => new(request, null), cancellationToken);
    }

    private static async Task<Answer> PatchAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpRequest http, CityDb db, Outbox outbox, TimeProvider clock, CancellationToken cancellationToken)
    {
        var (patch, problem) = await Bodies.ReadMergePatchAsync<BuildingRequest>(http);
        return patch is null
            ? problem!
            : await ChangeAsync(db, outbox, clock, id, ifMatch, b => BuildingRules.Patch(b, patch, Json.Options(http.HttpContext)), cancellationToken);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, CityDb db, Outbox outbox, AlertRetirement alerts, TimeProvider clock,
        CancellationToken cancellationToken, bool cascade = false) =>
        await db.InTransactionAsync<Results<NoContent, ProblemHttpResult>>(
            async token =>
            {
                // Nobody can put a sensor into the building from here on.
                if (await db.LockAsync<Building>(id, delete: true, token) is not { } building)
                {
                    return Problems.NotFound("building");
                }

                if (Preconditions.Check(ifMatch, id, building.Version) is { } refusal)
                {
                    return refusal;
                }

                var sensors = await SensorQueries.LockOfBuildingAsync(db, id, token);
                if (sensors.Count > 0 && !cascade)
                {
                    return Problems.Conflict($"The building has {sensors.Count} sensors. Delete them first, or with it by ?cascade=true.");
                }

                await SensorQueries.RemoveAsync(db, outbox, alerts, sensors, clock.GetUtcNow(), token);
                await alerts.BuildingDeletedAsync(id, token);
                db.Remove(building);
                outbox.Append(db, db.OrganizationId, "building.deleted", [Topics.Buildings], BuildingQueries.Shape(building));
                await db.SaveChangesAsync(token);
                return TypedResults.NoContent();
            },
            cancellationToken);

    private static async Task<Results<Read<Page<SensorResponse>>, ProblemHttpResult>> ListSensorsAsync(
        Guid id, int? limit, string? cursor, CityDb db, Cursors cursors, TimeProvider clock, CancellationToken cancellationToken)
    {
        var (page, problem) = PageStart<IdKey>.From(cursors, new(db.OrganizationId, $"{Route}/sensors", id), limit, cursor);
        if (page is null)
        {
            return problem!;
        }

        if (!await db.Buildings.AnyAsync(b => b.Id == id, cancellationToken))
        {
            return Problems.NotFound("building");
        }

        var now = clock.GetUtcNow();
        var sensors = await SensorQueries.ListAsync(db, db.Sensors.Where(s => s.BuildingId == id), status: null, page, now, cancellationToken);
        return Answers.Read(sensors, holdsUntil: SensorQueries.HoldsUntil(sensors.Items, now));
    }

    private static async Task<Results<Read<BuildingSummary>, ProblemHttpResult>> SummarizeAsync(
        Guid id, BuildingSummaries summaries, CancellationToken cancellationToken) =>
        await summaries.FindAsync(id, cancellationToken) is { } summary ? Answers.Read(summary) : Problems.NotFound("building");

    private static Task<Answer> ChangeAsync(
        CityDb db, Outbox outbox, TimeProvider clock, Guid id, string? ifMatch, Func<Building, Parsed<BuildingRequest>> change, CancellationToken cancellationToken) =>
        db.InTransactionAsync<Answer>(
            async token =>
            {
                if (await db.LockAsync<Building>(id, delete: false, token) is not { } building)
                {
                    return Problems.NotFound("building");
                }

                if (Preconditions.Require(ifMatch, id, building.Version) is { } refusal)
                {
                    return refusal;
                }

                var (request, problem) = change(building);
                if (request is null)
                {
                    return problem!;
                }

                var check = BuildingRules.Check(request, clock.GetUtcNow());
                if (check.Failed)
                {
                    return check.ToProblem();
                }

                building.Write(request);
                var (saved, unsaved) = await SaveAsync(db, outbox, building, "building.updated", token);
                return saved is null ? unsaved! : Answers.Changed(saved, saved.ETag());
            },
            cancellationToken);

    /// <summary>Saves a building and tells it; a change that changes nothing is no event.</summary>
    private static async Task<(BuildingResponse? Saved, ProblemHttpResult? Refusal)> SaveAsync(
        CityDb db, Outbox outbox, Building building, string type, CancellationToken cancellationToken)
    {
        // Asked first for the sake of the answer; a tariff that goes meanwhile is refused by the database all the same.
        if (building.TariffId is { } tariff && !await db.Set<Tariff>().AnyAsync(t => t.Id == tariff, cancellationToken))
        {
            return (null, NoSuchTariff());
        }

        var changed = db.ChangeTracker.HasChanges();
        switch (await db.TrySaveAsync(cancellationToken))
        {
            case null:
                break;
            case TariffConfiguration.BuildingKey:
                return (null, NoSuchTariff());
            case var other:
                throw new InvalidOperationException($"A building was refused by {other}.");
        }

        var saved = BuildingQueries.Shape(building);
        if (changed)
        {
            outbox.Append(db, db.OrganizationId, type, [Topics.Buildings], saved);
            await db.SaveChangesAsync(cancellationToken);
        }

        return (saved, null);

        static ProblemHttpResult NoSuchTariff() => Problems.Validation("tariffId", "There is no such tariff.");
    }

    private static bool WantsGeoJson(HttpRequest request) =>
        MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted)
        && accepted
            .Where(a => a.Quality != 0 && a.MediaType.Value is MediaTypes.GeoJson or MediaTypes.Json or "*/*" or "application/*")
            .OrderByDescending(a => a.Quality ?? 1)
            .FirstOrDefault()?.MediaType == MediaTypes.GeoJson;
}
