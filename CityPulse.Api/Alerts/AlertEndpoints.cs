using CityPulse.Api.Alerts.Channels;
using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Alerts.Evaluation;
using CityPulse.Api.Data;
using CityPulse.Api.Energy;
using CityPulse.Api.Http;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using CityPulse.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Alerts;

using Answer = Results<Changed<AlertResponse>, ProblemHttpResult>;

internal static class AlertEndpoints
{
    public const string Route = "/api/v1/citypulse/alerts";
    public const int MaxComment = 2000;
    private const string Shelved = "shelved";

    public static WebApplicationBuilder AddAlerts(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<AlertOptions>().BindConfiguration(AlertOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddMeasures<AlertMetrics>();
        services.AddSingleton<AlertSignal>();
        services.AddSingleton<IStoredBatchPart, AlertWork>();
        services.AddSingleton<RuleCache>();
        services.AddScoped<AlertJournal>();
        services.AddScoped<AlertRetirement>();
        services.AddScoped<RuleChange>();
        services.AddScoped<EvaluationStore>();
        services.AddScoped<AlertReconciler>();
        services.AddScoped<BudgetEvaluation>();
        services.AddScoped<BuildingEvaluation>();
        services.AddHostedService<AlertEvaluator>();
        services.AddHostedService<AlertTicker>();
        services.AddChannels();
        return builder;
    }

    public static IEndpointRouteBuilder MapAlerts(this IEndpointRouteBuilder app)
    {
        app.MapRules();
        app.MapChannels();
        var alerts = app.MapGroup(Route).WithTags("Alerts").WithMetadata(new RequestSizeLimitAttribute(HttpConventions.MaxBodyBytes));
        alerts.MapGet("/", ListAsync).WithName("ListAlerts").WithSummary("Alerts, the latest raised first.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().Refuses(400);
        alerts.MapGet("/statistics", AlertStatistics.GetAsync).WithName("GetAlertStatistics")
            .WithSummary("How well the alarm system serves its operators: rate, floods, chattering, stale alerts, the busiest sources.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().Refuses(400);
        alerts.MapGet("/{id:guid}", GetAsync).WithName("GetAlert").WithSummary("One alert, with its history.")
            .RequirePermission(Permission.ReadCity).ReadsConditionally().Refuses(404);
        alerts.MapPost("/{id:guid}/acknowledge", AcknowledgeAsync).WithName("AcknowledgeAlert")
            .WithSummary("Says that somebody has seen it. It stays until the readings are back to normal, too.")
            .RequirePermission(Permission.AcknowledgeAlerts).Refuses(400, 404, 409, 412, 415);
        alerts.MapPost("/{id:guid}/comment", CommentAsync).WithName("CommentAlert").WithSummary("Adds a comment to its history.")
            .RequirePermission(Permission.AcknowledgeAlerts).Refuses(400, 404, 412, 415);
        alerts.MapPost("/{id:guid}/shelve", ShelveAsync).WithName("ShelveAlert")
            .WithSummary("Silences it for a time; judging goes on, and what is active at the end is announced again.")
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 409, 412, 415);
        alerts.MapPost("/{id:guid}/unshelve", UnshelveAsync).WithName("UnshelveAlert").WithSummary("Ends the silence early.")
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 409, 412);
        alerts.MapPost("/{id:guid}/close", CloseAsync).WithName("CloseAlert")
            .WithSummary("Closes it whatever the readings say; this episode is not raised again.")
            .RequirePermission(Permission.WriteCity).Refuses(400, 404, 409, 412, 415);
        return app;
    }

    private static async Task<Results<Read<Page<AlertResponse>>, ProblemHttpResult>> ListAsync(
        [AsParameters] AlertFilter filter, CityDb db, Cursors cursors, TimeProvider clock, CancellationToken cancellationToken)
    {
        var check = new Validator();
        check.OneOf("state", filter.State, [.. Words.All<AlertState>(), Shelved]);
        check.OneOf("severity", filter.Severity, Words.All<AlertSeverity>());
        if (check.Failed)
        {
            return check.ToProblem();
        }

        var (period, wrong) = EnergyPeriod.Parse(filter.From ?? "1970-01-01T00:00:00Z", filter.To ?? "2199-12-31T00:00:00Z", clock.GetUtcNow());
        if (wrong is not null)
        {
            return wrong;
        }

        var scope = new CursorScope(
            db.OrganizationId, Route, filter.State, filter.Severity, filter.BuildingId, filter.SensorId, filter.RuleId, filter.From, filter.To);
        var (page, problem) = PageStart<AlertKey>.From(cursors, scope, filter.Limit, filter.Cursor);
        if (page is null)
        {
            return problem!;
        }

        var alerts = db.Set<Alert>().AsNoTracking();
        alerts = filter.State == Shelved ? alerts.Where(a => a.ShelvedUntil != null)
            : Words.TryParse<AlertState>(filter.State, out var state) ? alerts.Where(a => a.State == state)
            : alerts;
        alerts = Words.TryParse<AlertSeverity>(filter.Severity, out var severity) ? alerts.Where(a => a.Severity == severity) : alerts;
        alerts = filter.BuildingId is { } building ? alerts.Where(a => a.BuildingId == building) : alerts;
        alerts = filter.SensorId is { } sensor ? alerts.Where(a => a.SensorId == sensor) : alerts;
        alerts = filter.RuleId is { } rule ? alerts.Where(a => a.RuleId == rule) : alerts;
        alerts = filter.From is null ? alerts : alerts.Where(a => a.RaisedAt >= period.From);
        alerts = filter.To is null ? alerts : alerts.Where(a => a.RaisedAt < period.To);
        if (page.After is { } after)
        {
            alerts = alerts.Where(a => a.RaisedAt < after.RaisedAt || (a.RaisedAt == after.RaisedAt && a.Id < after.Id));
        }

        var found = await alerts.OrderByDescending(a => a.RaisedAt).ThenByDescending(a => a.Id).Take(page.Fetch)
            .Select(AlertQueries.ToResponse).ToListAsync(cancellationToken);
        return Answers.Read(page.ToPage(found, a => new AlertKey(a.RaisedAt, a.Id)));
    }

    private static async Task<Results<Read<AlertResponse>, ProblemHttpResult>> GetAsync(Guid id, CityDb db, CancellationToken cancellationToken) =>
        await AlertQueries.FindAsync(db, id, cancellationToken) is { } alert ? Answers.Read(alert, alert.ETag()) : Problems.NotFound("alert");

    private static async Task<Answer> AcknowledgeAsync(
        Guid id, AcknowledgeRequest? request, [FromHeader(Name = "If-Match")] string? ifMatch, HttpContext http, CityDb db, AlertJournal journal,
        TimeProvider clock, CancellationToken cancellationToken)
    {
        var check = new Validator();
        CheckComment(check, "comment", request?.Comment);
        return check.Failed ? check.ToProblem() : await ChangeAsync(
            db, journal, id, ifMatch, alert => journal.TryApply(alert, AlertTrigger.Acknowledge, clock.GetUtcNow(), UserOf(http), request?.Comment),
            "acknowledged", cancellationToken);
    }

    private static async Task<Answer> CommentAsync(
        Guid id, CommentRequest request, [FromHeader(Name = "If-Match")] string? ifMatch, HttpContext http, CityDb db, AlertJournal journal,
        TimeProvider clock, CancellationToken cancellationToken)
    {
        var check = new Validator();
        check.Check(request.Comment is not null, "comment", "comment is required.");
        CheckComment(check, "comment", request.Comment);
        return check.Failed ? check.ToProblem() : await ChangeAsync(
            db, journal, id, ifMatch, alert => journal.TryApply(alert, AlertTrigger.Comment, clock.GetUtcNow(), UserOf(http), request.Comment),
            "commented", cancellationToken);
    }

    private static async Task<Answer> ShelveAsync(
        Guid id, ShelveRequest request, [FromHeader(Name = "If-Match")] string? ifMatch, HttpContext http, CityDb db, AlertJournal journal,
        IOptions<AlertOptions> options, TimeProvider clock, CancellationToken cancellationToken)
    {
        var check = new Validator();
        check.Check(request.Minutes is not null, "minutes", "minutes is required.");
        check.Range("minutes", request.Minutes, 1, options.Value.MaxShelveMinutes);
        check.Check(request.Reason is not null, "reason", "reason is required.");
        CheckComment(check, "reason", request.Reason);
        if (check.Failed)
        {
            return check.ToProblem();
        }

        var now = clock.GetUtcNow();
        return await ChangeAsync(
            db, journal, id, ifMatch,
            alert => journal.TryApply(alert, AlertTrigger.Shelve, now, UserOf(http), request.Reason, now.AddMinutes(request.Minutes!.Value)),
            "shelved", cancellationToken);
    }

    private static async Task<Answer> UnshelveAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpContext http, CityDb db, AlertJournal journal, TimeProvider clock,
        CancellationToken cancellationToken) => await ChangeAsync(
            db, journal, id, ifMatch, alert => journal.TryApply(alert, AlertTrigger.Unshelve, clock.GetUtcNow(), UserOf(http)),
            "taken out of the shelf", cancellationToken);

    private static async Task<Answer> CloseAsync(
        Guid id, AcknowledgeRequest? request, [FromHeader(Name = "If-Match")] string? ifMatch, HttpContext http, CityDb db, AlertJournal journal,
        TimeProvider clock, CancellationToken cancellationToken)
    {
        var check = new Validator();
        CheckComment(check, "comment", request?.Comment);
        return check.Failed ? check.ToProblem() : await ChangeAsync(
            db, journal, id, ifMatch, alert => journal.TryApply(alert, AlertTrigger.Close, clock.GetUtcNow(), UserOf(http), request?.Comment),
            "closed", cancellationToken);
    }

    /// <summary>A person's act on an alert. If-Match is welcome and not required: most acts are right whatever has happened meanwhile.</summary>
    private static async Task<Answer> ChangeAsync(
        CityDb db, AlertJournal journal, Guid id, string? ifMatch, Func<Alert, bool> act, string done, CancellationToken cancellationToken)
    {
        var answer = await db.InTransactionAsync<Answer>(
            async token =>
            {
                journal.Reset();
                if (await db.LockAsync<Alert>(id, delete: false, token) is not { } alert)
                {
                    return Problems.NotFound("alert");
                }

                if (Preconditions.Check(ifMatch, id, alert.Version) is { } refusal)
                {
                    return refusal;
                }

                if (!act(alert))
                {
                    var shelf = alert.ShelvedUntil is null ? "not shelved" : "shelved";
                    return Problems.Conflict($"The alert cannot be {done}: it is {Words.Of(alert.State)} and {shelf}.");
                }

                await journal.SaveAsync(token);
                var saved = AlertQueries.Shape(alert);
                return Answers.Changed(saved, saved.ETag());
            },
            cancellationToken);
        journal.Ring();
        return answer;
    }

    private static void CheckComment(Validator check, string path, string? comment)
    {
        if (comment is not null
            && check.Check(!string.IsNullOrWhiteSpace(comment), path, $"{path} must not be blank.")
            && check.Check(comment.Length <= MaxComment, path, $"{path} must have at most {MaxComment} characters."))
        {
            check.Check(!comment.Any(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t')), path, $"{path} must not contain control characters.");
        }
    }

    private static Guid UserOf(HttpContext http) => http.User.GetCaller().UserId;

    private sealed record AlertKey(DateTimeOffset RaisedAt, Guid Id);
}
