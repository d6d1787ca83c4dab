using CityPulse.Api.Data;
using CityPulse.Api.Http;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Energy.Terms;

/// <summary>What clients see of terms.</summary>
internal interface ITermsResponse
{
    Guid Id { get; }
    int Version { get; }
}

/// <summary>
/// The calls on terms (tariffs, emission factors): created, read, replaced, patched and deleted in one way, whatever they say. The live
/// stream has no event for them.
/// </summary>
internal abstract class TermsResource<TEntity, TRequest, TResponse>(string route, string noun)
    where TEntity : TenantEntity
    where TRequest : class
    where TResponse : class, ITermsResponse
{
    public const int MaxText = 200;

    /// <summary>Members of the resource that clients read and never write.</summary>
    private static readonly string[] ReadOnly = ["id", "createdAt", "updatedAt", "version"];

    protected abstract TResponse Shape(TEntity entity);

    protected abstract Validator Check(TRequest request);

    protected abstract TEntity Create(TRequest request);

    protected abstract void Write(TEntity entity, TRequest request);

    /// <summary>What a client would have to send to get the resource as it is.</summary>
    protected abstract TRequest ToRequest(TEntity entity);

    /// <summary>What a constraint of the database refuses when a resource is saved or deleted.</summary>
    protected abstract ProblemHttpResult? RefusalOf(string constraint);

    /// <param name="name">The noun in the names of operations.</param>
    public void Map(IEndpointRouteBuilder app, string name, string plural, string summary)
    {
        var group = app.MapGroup(route).WithTags("Energy").WithMetadata(new RequestSizeLimitAttribute(HttpConventions.MaxBodyBytes));
        // As values, because the analyzer of route handlers fails on methods of a generic type.
        Delegate create = CreateAsync, get = GetAsync, replace = ReplaceAsync, patch = PatchAsync, delete = DeleteAsync, list = ListAsync;
        group.MapPost("/", create).WithName($"Create{name}").WithSummary($"Adds {summary}.")
            .RequirePermission(Permission.WriteCity).AcceptIdempotencyKey().Refuses(400, 409, 415);
        group.MapGet("/{id:guid}", get).WithName($"Get{name}").WithSummary($"Shows {summary}.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().Refuses(404);
        group.MapPut("/{id:guid}", replace).WithName($"Replace{name}").WithSummary($"Replaces {summary}.")
            .Accepts<TRequest>(MediaTypes.Json)
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 409, 412, 415, 428);
        group.MapPatch("/{id:guid}", patch).WithName($"Patch{name}").WithSummary($"Changes members of {summary} (JSON merge patch).")
            .Accepts<TRequest>(MediaTypes.MergePatch, MediaTypes.Json)
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 409, 412, 415, 428);
        group.MapDelete("/{id:guid}", delete).WithName($"Delete{name}").WithSummary($"Deletes {summary}.")
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 409, 412);
        group.MapGet("/", list).WithName($"List{plural}").WithSummary($"{plural}, in order of creation.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().Refuses(400);
    }

    private async Task<Results<Read<Page<TResponse>>, ProblemHttpResult>> ListAsync(
        int? limit, string? cursor, CityDb db, Cursors cursors, CancellationToken cancellationToken)
    {
        var (page, problem) = PageStart<IdKey>.From(cursors, new(db.OrganizationId, route), limit, cursor);
        if (page is null)
        {
            return problem!;
        }

        var rows = db.Set<TEntity>().AsNoTracking();
        rows = page.After is { } after ? rows.Where(r => r.Id > after.Id) : rows;
        var found = await rows.OrderBy(r => r.Id).Take(page.Fetch).ToListAsync(cancellationToken);
        return Answers.Read(page.ToPage([.. found.Select(Shape)], r => new IdKey(r.Id)));
    }

    private async Task<Results<Added<TResponse>, ProblemHttpResult>> CreateAsync(
        TRequest request, CityDb db, CancellationToken cancellationToken)
    {
        var check = Check(request);
        if (check.Failed)
        {
            return check.ToProblem();
        }

        return await db.InTransactionAsync<Results<Added<TResponse>, ProblemHttpResult>>(
            async token =>
            {
                var entity = Create(request);
                db.Add(entity);
                var (saved, refusal) = await SaveAsync(db, entity, token);
                return saved is null ? refusal! : Answers.Created($"{route}/{saved.Id}", saved, ETags.Of(saved.Id, saved.Version));
            },
            cancellationToken);
    }

    private async Task<Results<Read<TResponse>, ProblemHttpResult>> GetAsync(Guid id, CityDb db, CancellationToken cancellationToken) =>
        await db.Set<TEntity>().AsNoTracking().SingleOrDefaultAsync(r => r.Id == id, cancellationToken) is { } entity
            ? Answers.Read(Shape(entity), ETags.Of(entity.Id, entity.Version))
            : Problems.NotFound(noun);

    private async Task<Results<Changed<TResponse>, ProblemHttpResult>> ReplaceAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpRequest http, CityDb db, CancellationToken cancellationToken)
    {
        var (request, problem) = await Bodies.ReadReplacementAsync<TRequest>(http, ReadOnly, id);
        return request is null ? problem! : await ChangeAsync(db, id, ifMatch, _ => new(request, null), cancellationToken);
    }

    private async Task<Results<Changed<TResponse>, ProblemHttpResult>> PatchAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpRequest http, CityDb db, CancellationToken cancellationToken)
    {
        var (patch, problem) = await Bodies.ReadMergePatchAsync<TRequest>(http);
        return patch is null
            ? problem!
            : await ChangeAsync(
                db, id, ifMatch, e => MergePatch.Apply(ToRequest(e), patch, Json.Options(http.HttpContext)), cancellationToken);
    }

    private async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, CityDb db, CancellationToken cancellationToken) =>
        await db.InTransactionAsync<Results<NoContent, ProblemHttpResult>>(
            async token =>
            {
                if (await db.LockAsync<TEntity>(id, delete: true, token) is not { } entity)
                {
                    return Problems.NotFound(noun);
                }

                if (Preconditions.Check(ifMatch, id, entity.Version) is { } refusal)
                {
                    return refusal;
                }

                db.Remove(entity);
                return await db.TrySaveAsync(token) is { } constraint ? Refuse(constraint) : TypedResults.NoContent();
            },
            cancellationToken);

    private Task<Results<Changed<TResponse>, ProblemHttpResult>> ChangeAsync(
        CityDb db, Guid id, string? ifMatch, Func<TEntity, Parsed<TRequest>> change, CancellationToken cancellationToken) =>
        db.InTransactionAsync<Results<Changed<TResponse>, ProblemHttpResult>>(
            async token =>
            {
                if (await db.LockAsync<TEntity>(id, delete: false, token) is not { } entity)
                {
                    return Problems.NotFound(noun);
                }

                if (Preconditions.Require(ifMatch, id, entity.Version) is { } refusal)
                {
                    return refusal;
                }

                var (request, problem) = change(entity);
                if (request is null)
                {
                    return problem!;
                }

                var check = Check(request);
                if (check.Failed)
                {
                    return check.ToProblem();
                }

                Write(entity, request);
                var (saved, unsaved) = await SaveAsync(db, entity, token);
                return saved is null ? unsaved! : Answers.Changed(saved, ETags.Of(saved.Id, saved.Version));
            },
            cancellationToken);

    private async Task<(TResponse? Saved, ProblemHttpResult? Refusal)> SaveAsync(CityDb db, TEntity entity, CancellationToken cancellationToken) =>
        await db.TrySaveAsync(cancellationToken) is { } constraint ? (null, Refuse(constraint)) : (Shape(entity), null);

    private ProblemHttpResult Refuse(string constraint) =>
        RefusalOf(constraint) ?? throw new InvalidOperationException($"A {noun} was refused by {constraint}.");
}
