using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace CityPulse.ServiceDefaults.Errors;

/// <summary>The id that ties an error answer to its log lines; made once a request, and only when there is an error.</summary>
internal static class ErrorId
{
    private static readonly object Key = new();

    public static string Of(HttpContext context)
    {
        if (context.Items.TryGetValue(Key, out var existing))
        {
            return (string)existing!;
        }

        var time = context.RequestServices.GetRequiredService<TimeProvider>();
        var id = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
        context.Items[Key] = id;
        return id;
    }

    public static string? Existing(HttpContext context) =>
        context.Items.TryGetValue(Key, out var existing) ? (string)existing! : null;
}
