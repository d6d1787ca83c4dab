using System.Buffers;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Health;
using Microsoft.AspNetCore.Http;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>The outermost part: gives each request its id, and measures it.</summary>
internal sealed class RequestEnvelope(RequestDelegate next, ResponseTimes times, TimeProvider time)
{
    private const int LongestId = 128;

    private static readonly SearchValues<char> IdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    // Headers are set when the answer starts: the exception handler clears those set earlier.
    private static readonly Func<object, Task> SetHeaders = static state =>
    {
        var context = (HttpContext)state;
        context.Response.Headers[CityHeaders.RequestId] = context.TraceIdentifier;
        return Task.CompletedTask;
    };

    public async Task InvokeAsync(HttpContext context)
    {
        context.TraceIdentifier = RequestId(context, time);
        context.Response.OnStarting(SetHeaders, context);
        var start = time.GetTimestamp();
        await next(context);
        if (!context.Request.Path.StartsWithSegments("/health"))
        {
            times.Add(time.GetElapsedTime(start));
        }
    }

    private static string RequestId(HttpContext context, TimeProvider time) =>
        context.Request.Headers[CityHeaders.RequestId] is [{ Length: > 0 and <= LongestId } inbound]
        && !inbound.AsSpan().ContainsAnyExcept(IdCharacters)
            ? inbound
            : Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
}
