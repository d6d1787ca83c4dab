using System.Net.Mime;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>
/// 415 after 401 and 403. Routing itself would answer 415 before anybody has asked who calls; so it does not get to see the
/// Content-Type, and the check comes when the caller is known.
/// </summary>
internal static class ContentTypes
{
    private sealed record Hidden(string ContentType)
    {
        private static readonly Hidden Json = new(MediaTypeNames.Application.Json);

        public static Hidden Of(string contentType) => contentType == Json.ContentType ? Json : new Hidden(contentType);
    }

    public static void UseRoutingBlindToContentTypes(this WebApplication app)
    {
        app.Use(static (context, next) =>
        {
            if (context.Request.ContentType is { } contentType)
            {
                context.Features.Set(Hidden.Of(contentType));
                context.Request.Headers.ContentType = default;
            }

            return next(context);
        });
        app.UseRouting();
        app.Use(static (context, next) =>
        {
            if (context.Features.Get<Hidden>() is { } hidden)
            {
                context.Request.Headers.ContentType = hidden.ContentType;
            }

            return next(context);
        });
    }

    public static void UseContentTypes(this IApplicationBuilder app) => app.Use(static (context, next) =>
    {
        if (context.Request.ContentType is not { } sent
            || context.GetEndpoint()?.Metadata.GetMetadata<IAcceptsMetadata>() is not { ContentTypes.Count: > 0 } accepted
            || context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == false)
        {
            return next(context);
        }

        if (Matches(sent, accepted.ContentTypes) && IsUtf8(sent))
        {
            if (sent.Contains('"', StringComparison.Ordinal))
            {
                // A quoted charset is good, but those who read the body take the quotes for part of its name.
                context.Request.ContentType = WithoutParameters(sent).ToString();
            }

            return next(context);
        }

        context.Response.Headers.Accept = string.Join(", ", accepted.ContentTypes);
        return Problems.Of(
            StatusCodes.Status415UnsupportedMediaType, $"Send the body as {string.Join(" or ", accepted.ContentTypes)}, in UTF-8.").ExecuteAsync(context);
    });

    private static bool Matches(string sent, IReadOnlyList<string> accepted)
    {
        var type = WithoutParameters(sent);
        for (var i = 0; i < accepted.Count; i++)
        {
            var candidate = WithoutParameters(accepted[i]);
            if (type.Equals(candidate, StringComparison.OrdinalIgnoreCase) || candidate is "*/*"
                || (candidate.EndsWith("/*") && type.StartsWith(candidate[..^1], StringComparison.OrdinalIgnoreCase)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>As all bodies are. A charset that nobody knows would otherwise become a fault when the body is read.</summary>
    private static bool IsUtf8(string sent) =>
        !MediaTypeHeaderValue.TryParse(sent, out var type) || type.Charset is not { Length: > 0 } charset
        || HeaderUtilities.RemoveQuotes(charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase);

    private static ReadOnlySpan<char> WithoutParameters(ReadOnlySpan<char> contentType) =>
        (contentType.IndexOf(';') is >= 0 and var end ? contentType[..end] : contentType).Trim();
}
