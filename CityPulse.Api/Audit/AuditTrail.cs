using CityPulse.Api.Audit.Domain;
using CityPulse.Api.DeviceKeys;
using CityPulse.Api.Http;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Diagnostics;

namespace CityPulse.Api.Audit;

/// <summary>
/// Around everything else: when an answer begins, it is known who asked and how it went. Recorded are calls that changed something,
/// sign-ins, and refusals (401, 403) of people and devices that are known. Not recorded: reads, ingest (its readings are their own
/// record), silent renewals of sessions, and strangers.
/// </summary>
internal sealed class AuditTrail
{
    private const int LongestText = 500;

    private readonly RequestDelegate _next;
    private readonly AuditLog _log;
    private readonly TimeProvider _time;
    private readonly RefusalBudget _budget = new();
    private readonly Func<object, Task> _record;

    public AuditTrail(RequestDelegate next, AuditLog log, TimeProvider time)
    {
        (_next, _log, _time) = (next, log, time);
        _record = state => RecordAsync((HttpContext)state);
    }

    public Task InvokeAsync(HttpContext context)
    {
        context.Response.OnStarting(_record, context);
        return _next(context);
    }

    private Task RecordAsync(HttpContext context)
    {
        var status = context.Response.StatusCode;
        if (status is StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden)
        {
            Refuse(context, status);
            return Task.CompletedTask;
        }

        return status is >= 200 and < 300 && IsChange(context) && SubjectOf(context) is { } subject
            ? _log.WriteAsync(Describe(context, subject, AuditEntry.Succeeded, status))
            : Task.CompletedTask;
    }

    private void Refuse(HttpContext context, int status)
    {
        if (SubjectOf(context) is not { } subject)
        {
            return;
        }

        if (_budget.TrySpend(subject.UserId ?? subject.DeviceKeyId ?? Guid.Empty, _time.GetUtcNow()))
        {
            _log.Queue(Describe(context, subject, AuditEntry.Refused, status));
        }
        else
        {
            _log.Skip();
        }
    }

    private static bool IsChange(HttpContext context)
    {
        var method = context.Request.Method;
        if (HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method)
            || context.Response.Headers.ContainsKey(Idempotency.ReplayedHeader))
        {
            return false;
        }

        var metadata = (context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint)?.Metadata;
        if (metadata is null || metadata.GetMetadata<NotAudited>() is not null)
        {
            return false;
        }

        // A question that is too long for an address is asked by POST, and still is a question: it asks for no more than to read.
        var asked = metadata.GetOrderedMetadata<IAuthorizeData>();
        return asked.Count == 0 || asked.Any(data => data.Policy is not (nameof(Permission.ReadCity) or nameof(Permission.Ingest)));
    }

    private static AuditSubject? SubjectOf(HttpContext context)
    {
        if (context.Features.Get<AuditSubject>() is { } named)
        {
            return named;
        }

        if (context.User.TryGetCaller(out var caller))
        {
            return new AuditSubject(caller.OrganizationId, caller.UserId);
        }

        if (context.User.Identity is DeviceIdentity { Device: var device })
        {
            return new AuditSubject(device.OrganizationId, null, device.KeyId);
        }

        return context.Features.Get<EndedSession>() is { Caller: var ended }
            ? new AuditSubject(ended.OrganizationId, ended.UserId, Detail: "The session had ended.")
            : null;
    }

    private AuditEntry Describe(HttpContext context, AuditSubject subject, string outcome, int status)
    {
        var now = _time.GetUtcNow();
        var path = context.Request.Path.ToUriComponent();
        var made = context.Response.Headers.Location.ToString();
        var address = context.Connection.RemoteIpAddress;
        return new AuditEntry
        {
            Id = Guid.CreateVersion7(now),
            OrganizationId = subject.OrganizationId,
            At = now,
            UserId = subject.UserId,
            DeviceKeyId = subject.DeviceKeyId,
            Action = AuditAction.Of(context.Request.Method, path),
            Resource = Short(made.StartsWith(path, StringComparison.Ordinal) ? made : path),
            Outcome = outcome,
            Status = status,
            Frontend = context.GetFrontend() is { } frontend ? FrontendNames.Of(frontend) : null,
            ClientIp = (address?.IsIPv4MappedToIPv6 == true ? address.MapToIPv4() : address)?.ToString(),
            RequestId = context.TraceIdentifier,
            Detail = subject.Detail,
        };
    }

    private static string Short(string text) => text.Length <= LongestText ? text : text[..LongestText];
}
