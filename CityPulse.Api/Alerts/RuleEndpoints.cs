using CityPulse.Api.Data;
using CityPulse.Api.Http;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Alerts;

using Answer = Results<Changed<RuleResponse>, ProblemHttpResult>;

internal static class RuleEndpoints
{
    public const string Route = AlertEndpoints.Route + "/rules";

    private const string WhatChangesDo =
        "Disabling or deleting a rule closes its open alerts. Another condition or scope, or enabling it again, closes them too and judges every "
        + "sensor's newest reading afresh: what still holds is a new alert. Another name, severity or message concerns later alerts only; other "
        + "maintenance periods are applied to what is stored.";

    public static void MapRules(this IEndpointRouteBuilder app)
    {
        var rules = app.MapGroup(Route).WithTags("Alerts").WithMetadata(new RequestSizeLimitAttribute(HttpConventions.MaxBodyBytes));
        rules.MapGet("/", ListAsync).WithName("ListAlertRules").WithSummary("Alert rules, in order of creation.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().Refuses(400);
        rules.MapPost("/", CreateAsync).WithName("CreateAlertRule").WithSummary("Adds an alert rule.")
            .WithDescription("It judges the newest reading of every sensor in its scope at once, and from then on all that arrive, however old.")
            .RequirePermission(Permission.WriteCity).AcceptIdempotencyKey().Refuses(400, 409, 415);
        rules.MapGet("/{id:guid}", GetAsync).WithName("GetAlertRule").WithSummary("One alert rule.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().Refuses(404);
        rules.MapPut("/{id:guid}", ReplaceAsync).WithName("ReplaceAlertRule").WithSummary("Replaces an alert rule.").WithDescription(WhatChangesDo)
            .Accepts<RuleRequest>(MediaTypes.Json)
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 412, 415, 428);
        rules.MapPatch("/{id:guid}", PatchAsync).WithName("PatchAlertRule").WithSummary("Changes members of an alert rule (JSON merge patch).")
            .WithDescription(WhatChangesDo + " A patch that names condition.type replaces the condition whole.")
            .Accepts<RuleRequest>(MediaTypes.MergePatch, MediaTypes.Json)
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 412, 415, 428);
        rules.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteAlertRule")
            .WithSummary("Deletes an alert rule and closes its open alerts; all its alerts stay readable.")
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 412);
        rules.MapPost("/preview", RulePreview.RunAsync).WithName("PreviewAlertRule").WithSummary("The alerts that a rule would have raised.")
            .WithDescription("Runs the rule, by the code that runs live, over the stored readings of [from, to), and raises nothing.")
            .RequirePermission(Permission.WriteCity).Refuses(400, 415);
    }

    private static async Task<Results<Read<Page<RuleResponse>>, ProblemHttpResult>> ListAsync(
        [AsParameters] RuleFilter filter, CityDb db, Cursors cursors, CancellationToken cancellationToken)
    {
        var (page, problem) = PageStart<IdKey>.From(cursors, new(db.OrganizationId, Route, filter.Enabled), filter.Limit, filter.Cursor);
        if (page is null)
        {
            return problem!;
        }

        var rules = db.Set<AlertRule>().AsNoTracking().Where(r => filter.Enabled == null || r.Enabled == filter.Enabled);
        if (page.After is { } after)
        {
            rules = rules.Where(r => r.Id > after.Id);
        }

        var found = page.ToPage(await rules.OrderBy(r => r.Id).Take(page.Fetch).ToListAsync(cancellationToken), r => new IdKey(r.Id));
        return Answers.Read(new Page<RuleResponse>([.. found.Items.Select(RuleChecks.Shape)], found.NextCursor));
    }

    private static async Task<Results<Added<RuleResponse>, ProblemHttpResult>> CreateAsync(
        RuleRequest request, CityDb db, RuleChange change, IOptions<AlertOptions> options, TimeProvider clock, CancellationToken cancellationToken)
    {
        var check = RuleChecks.Check(request);
        return check.Failed ? check.ToProblem() : await db.InTransactionAsync<Results<Added<RuleResponse>, ProblemHttpResult>>(
            async token =>
            {
                await change.BeginAsync(token);
                await RuleChecks.CheckScopeAsync(check, db, request.Scope, token);
                if (check.Failed)
                {
                    return check.ToProblem();
                }

                if (await db.Set<AlertRule>().CountAsync(token) >= options.Value.MaxRules)
                {
                    return Problems.Conflict($"The organisation has {options.Value.MaxRules} rules, which is all that it may have.");
                }

                var rule = new AlertRule { Name = "", Condition = "", Maintenance = "" };
                rule.Write(request, clock.GetUtcNow());
                db.Add(rule);
                await db.SaveChangesAsync(token);
                await change.BeginJudgingAsync(rule, token);
                var saved = RuleChecks.Shape(rule);
                return Answers.Created($"{Route}/{saved.Id}", saved, saved.ETag());
            },
            cancellationToken);
    }

    private static async Task<Results<Read<RuleResponse>, ProblemHttpResult>> GetAsync(Guid id, CityDb db, CancellationToken cancellationToken) =>
        await db.Set<AlertRule>().AsNoTracking().SingleOrDefaultAsync(r => r.Id == id, cancellationToken) is { } rule
            ? Answers.Read(RuleChecks.Shape(rule), RuleChecks.Shape(rule).ETag())
            : Problems.NotFound("alert rule");

    private static async Task<Answer> ReplaceAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpRequest http, CityDb db, RuleChange change, AlertJournal journal, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        var (request, problem) = await Bodies.ReadReplacementAsync<RuleRequest>(http, RuleChecks.ReadOnly, id);
        return request is null
            ? problem!
            : await ChangeAsync(db, change, journal, clock, id, ifMatch, _ => new(request, null), cancellationToken);
    }

    private static async Task<Answer> PatchAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpRequest http, CityDb db, RuleChange change, AlertJournal journal, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        var (patch, problem) = await Bodies.ReadMergePatchAsync<RuleRequest>(http);
        return patch is null
            ? problem!
            : await ChangeAsync(db, change, journal, clock, id, ifMatch, r => RuleChecks.Patch(r, patch, Json.Options(http.HttpContext)), cancellationToken);
    }

    private static Task<Answer> ChangeAsync(
        CityDb db, RuleChange change, AlertJournal journal, TimeProvider clock, Guid id, string? ifMatch, Func<AlertRule, Parsed<RuleRequest>> edit,
        CancellationToken cancellationToken) =>
        db.InTransactionAsync<Answer>(
            async token =>
            {
                journal.Reset();
                await change.BeginAsync(token);
                if (await db.LockAsync<AlertRule>(id, delete: false, token) is not { } rule)
                {
                    return Problems.NotFound("alert rule");
                }

                if (Preconditions.Require(ifMatch, id, rule.Version) is { } refusal)
                {
                    return refusal;
                }

                var (request, problem) = edit(rule);
                if (request is null)
                {
                    return problem!;
                }

                var check = RuleChecks.Check(request);
                if (!check.Failed)
                {
                    await RuleChecks.CheckScopeAsync(check, db, Known(rule, request.Scope!), token);
                }

                if (check.Failed)
                {
                    return check.ToProblem();
                }

                var before = (rule.Revision, rule.Enabled, Maintenance: rule.Maintenance);
                rule.Write(request, clock.GetUtcNow());
                await db.SaveChangesAsync(token);
                if (rule.Revision != before.Revision || rule.Enabled != before.Enabled)
                {
                    await change.RetireAsync(id, rule.Enabled ? "The rule was changed." : "The rule was disabled.", token);
                    await journal.SaveAsync(token);
                    await change.BeginJudgingAsync(rule, token);
                }
                else if (rule.Maintenance != before.Maintenance)
                {
                    var windows = RuleChecks.MaintenanceOf(before.Maintenance).Concat(RuleChecks.MaintenanceOf(rule.Maintenance));
                    await change.JudgeAgainAsync(id, windows.Min(w => w.From!.Value), token);
                }

                var saved = RuleChecks.Shape(rule);
                return Answers.Changed(saved, saved.ETag());
            },
            cancellationToken);

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, CityDb db, RuleChange change, AlertJournal journal, CancellationToken cancellationToken) =>
        await db.InTransactionAsync<Results<NoContent, ProblemHttpResult>>(
            async token =>
            {
                journal.Reset();
                await change.BeginAsync(token);
                if (await db.LockAsync<AlertRule>(id, delete: true, token) is not { } rule)
                {
                    return Problems.NotFound("alert rule");
                }

                if (Preconditions.Check(ifMatch, id, rule.Version) is { } refusal)
                {
                    return refusal;
                }

                await change.RetireAsync(id, "The rule was deleted.", token);
                db.Remove(rule);
                await journal.SaveAsync(token);
                await change.TellIngestAsync(token);
                return TypedResults.NoContent();
            },
            cancellationToken);

    /// <summary>What a rule names already may have gone since; only what is new has to be there.</summary>
    private static ScopeModel Known(AlertRule rule, ScopeModel scope) => new()
    {
        SensorId = scope.SensorId == rule.SensorId ? null : scope.SensorId,
        BuildingId = scope.BuildingId == rule.BuildingId ? null : scope.BuildingId,
    };
}
