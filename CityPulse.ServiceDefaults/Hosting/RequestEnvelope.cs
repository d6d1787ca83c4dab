using System.Buffers;
using System.Globalization;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Health;
using CityPulse.ServiceDefaults.Security;
using CityPulse.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>Around all that may answer: gives each request its id and each answer its headers, tells what a bare status means, measures and logs it.</summary>
internal sealed class RequestEnvelope(
    RequestDelegate next, SecurityHeaders security, IProblemDetailsService problems, RequestLog log, ResponseTimes times, ShutdownState shutdown, TimeProvider time)
{
    private const int LongestId = 128;

    private static readonly SearchValues<char> IdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    // Set when the answer starts: the exception handler clears what was set earlier.
    private readonly Func<object, Task> _setHeaders = state =>
    {
        var context = (HttpContext)state;
        context.Response.Headers[CityHeaders.RequestId] = context.TraceIdentifier;
        security.Apply(context);
        if (context.Response.Headers.Vary.Count > 1)
        {
            context.Response.Headers.Vary = EachOnce(context.Response.Headers.Vary);
        }

        // While it drains, a replica takes leave of clients that keep their connection: one that is closed at the end of the drain, as the
        // next request comes, would lose that request.
        if (shutdown.IsStopping && context.Response.StatusCode != StatusCodes.Status101SwitchingProtocols)
        {
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }

        return Task.CompletedTask;
    };

    public async Task InvokeAsync(HttpContext context)
    {
        context.TraceIdentifier = RequestId(context);
        context.Response.OnStarting(_setHeaders, context);
        var (start, body) = (time.GetTimestamp(), UnreadBodies.Of(context));
        try
        {
            await next(context);
            if (IsBare(context.Response))
            {
                await problems.WriteAsync(new ProblemDetailsContext { HttpContext = context, ProblemDetails = { Status = context.Response.StatusCode } });
            }
        }
        finally
        {
            var elapsed = time.GetElapsedTime(start);
            TagFault(context);
            if (CountsAsAnswer(context))
            {
                times.Add(elapsed);
            }

            log.Write(context, elapsed);
        }

        if (body is not null && context.Response.StatusCode >= StatusCodes.Status400BadRequest)
        {
            await UnreadBodies.HearOutAsync(context, body);
        }
    }

    /// <summary>A refusal without a word, as the server, routing and some of the framework's own parts give it.</summary>
    private static bool IsBare(HttpResponse response) =>
        response is { StatusCode: >= 400 and < 600, HasStarted: false, ContentLength: null } && string.IsNullOrEmpty(response.ContentType);

    /// <summary>What OpenTelemetry's conventions ask for, and the framework gives from its next version on: a 5xx without an exception has a type too.</summary>
    private static void TagFault(HttpContext context)
    {
        if (context.Response.StatusCode >= StatusCodes.Status500InternalServerError
            && context.Features.Get<IHttpMetricsTagsFeature>() is { Tags: var tags } && !tags.Any(tag => tag.Key == "error.type"))
        {
            tags.Add(new("error.type", context.Response.StatusCode.ToString(CultureInfo.InvariantCulture)));
        }
    }

    /// <summary>Several parts say what an answer depends on, each without asking whether another has said so.</summary>
    private static string EachOnce(StringValues vary) => string.Join(", ", vary
        .SelectMany(line => line?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [])
        .Distinct(StringComparer.OrdinalIgnoreCase));

    /// <summary>A socket or a stream lasts as long as the client likes; a probe says nothing about the work.</summary>
    private static bool CountsAsAnswer(HttpContext context) =>
        context.Response.StatusCode != StatusCodes.Status101SwitchingProtocols
        && context.Response.ContentType?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) != true
        && !context.IsPassThrough()
        && !((context.Request.Headers.Upgrade.Count > 0 || HttpMethods.IsConnect(context.Request.Method)) && context.WebSockets.IsWebSocketRequest)
        && !context.Request.Path.StartsWithSegments(HealthNames.Path);

    private string RequestId(HttpContext context) =>
        context.Request.Headers[CityHeaders.RequestId] is [{ Length: > 0 and <= LongestId } inbound]
        && !inbound.AsSpan().ContainsAnyExcept(IdCharacters)
            ? inbound
            : PlainId.Create(time.GetUtcNow()).ToString("N");
}
