using CityPulse.Api.Data;
using CityPulse.Api.Http;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Audit;

/// <summary>Filters of the audit log.</summary>
/// <param name="From">Entries from this time on; by default of the last 7 days.</param>
/// <param name="To">Entries before this time; by default all up to now.</param>
/// <param name="Action">Exactly this action, such as <c>buildings.delete</c>.</param>
public sealed record AuditFilter(
    [FromQuery(Name = "from")] string? From,
    [FromQuery(Name = "to")] string? To,
    [FromQuery(Name = "userId")] Guid? UserId,
    [FromQuery(Name = "action")] string? Action,
    [FromQuery(Name = "limit")] int? Limit,
    [FromQuery(Name = "cursor")] string? Cursor);

/// <param name="Email">The person's address, as it is now.</param>
/// <param name="Outcome"><c>succeeded</c> or <c>refused</c>.</param>
internal sealed record AuditResponse(
    Guid Id, DateTimeOffset At, Guid? UserId, string? Email, Guid? DeviceKeyId, string Action, string Resource, string Outcome, int Status,
    string? Frontend, string? ClientIp, string? RequestId, string? Detail);

/// <summary>The place of an entry in the log: newest first.</summary>
internal sealed record AuditKey(DateTimeOffset At, Guid Id);

internal static class AuditEndpoints
{
    private const string Route = "/api/v1/audit";
    private const int LongestAction = 100;

    public static WebApplicationBuilder AddAudit(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<AuditOptions>().Bind(builder.Configuration.GetSection(AuditOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<AuditOptions>, AuditOptionsCheck>();
        services.AddSingleton<AuditLog>();
        services.AddHostedService(provider => provider.GetRequiredService<AuditLog>());
        services.AddHostedService<AuditRetention>();
        services.AddTransient<IStartupFilter, Outermost>();
        return builder;
    }

    public static IEndpointRouteBuilder MapAudit(this IEndpointRouteBuilder app)
    {
        app.MapGet(Route, ListAsync).WithName("ListAudit").WithTags("Audit")
            .WithSummary("Who did, or tried to do, what to which resource, from where; newest first.")
            .RequirePermission(Permission.Administer).ReadsConditionally().Refuses(400);
        return app;
    }

    private static async Task<Results<Read<Page<AuditResponse>>, ProblemHttpResult>> ListAsync(
        [AsParameters] AuditFilter filter, CityDb db, Cursors cursors, TimeProvider clock, CancellationToken cancellationToken)
    {
        var check = new Validator();
        var to = AuditPeriod.Parse(check, "to", filter.To);
        var from = AuditPeriod.Parse(check, "from", filter.From) ?? (to ?? clock.GetUtcNow()).AddDays(-7);
        check.Check(to is not { } end || from < end, "from", "from must be before to.");
        check.Check(filter.Action is not { Length: 0 or > LongestAction }, "action", $"action must have 1 to {LongestAction} characters.");
        check.Storable("action", filter.Action ?? "");
        if (check.Failed)
        {
            return check.ToProblem();
        }

        var scope = new CursorScope(db.OrganizationId, Route, filter.From, filter.To, filter.UserId, filter.Action);
        var (page, problem) = PageStart<AuditKey>.From(cursors, scope, filter.Limit, filter.Cursor);
        if (page is null)
        {
            return problem!;
        }

        // The table has no tenant filter of its own, as it holds no entities that anybody changes.
        var organization = db.OrganizationId;
        var entries = db.Set<AuditEntry>().AsNoTracking().Where(a => a.OrganizationId == organization && a.At >= from);
        entries = to is { } before ? entries.Where(a => a.At < before) : entries;
        entries = filter.UserId is { } user ? entries.Where(a => a.UserId == user) : entries;
        entries = filter.Action is { } action ? entries.Where(a => a.Action == action) : entries;
        entries = page.After is { } after
            ? entries.Where(a => EF.Functions.LessThan(ValueTuple.Create(a.At, a.Id), ValueTuple.Create(after.At, after.Id)))
            : entries;
        var rows = await (
            from a in entries.OrderByDescending(a => a.At).ThenByDescending(a => a.Id).Take(page.Fetch)
            join u in db.Users on a.UserId equals u.Id into people
            from u in people.DefaultIfEmpty()
            orderby a.At descending, a.Id descending
            select new AuditResponse(
                a.Id, a.At, a.UserId, u.Email, a.DeviceKeyId, a.Action, a.Resource, a.Outcome, a.Status, a.Frontend, a.ClientIp, a.RequestId, a.Detail))
            .ToListAsync(cancellationToken);
        return Answers.Read(page.ToPage(rows, row => new AuditKey(row.At, row.Id)));
    }

    /// <summary>The trail goes around all of the pipeline: it has to see refusals of every part, and the headers of every answer.</summary>
    private sealed class Outermost : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.UseMiddleware<AuditTrail>();
            next(app);
        };
    }
}
