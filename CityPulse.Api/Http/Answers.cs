using System.Reflection;
using System.Text.Json;
using CityPulse.Contracts;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace CityPulse.Api.Http;

/// <summary>Successful answers as every slice gives them.</summary>
internal static class Answers
{
    /// <summary>200 to a read: private, revalidated, 304 when the reader has it. Without a tag the body's hash is taken.</summary>
    public static Read<T> Read<T>(T value, string? etag = null, string contentType = MediaTypes.Json) => new(value, etag, contentType);

    /// <summary>201 with where it is, its version and itself.</summary>
    public static Added<T> Created<T>(string location, T value, string etag) => new(location, value, etag);

    /// <summary>200 to a write, with the new version and the resource.</summary>
    public static Changed<T> Changed<T>(T value, string etag) => new(value, etag);
}

internal static class MediaTypes
{
    public const string Json = "application/json";
    public const string MergePatch = "application/merge-patch+json";
    public const string GeoJson = "application/geo+json";
}

/// <inheritdoc cref="Answers.Read{T}"/>
internal sealed class Read<T>(T value, string? etag, string contentType)
    : IResult, IStatusCodeHttpResult, IValueHttpResult, IValueHttpResult<T>, IEndpointMetadataProvider
{
    private static readonly StringValues VaryBy = new([HeaderNames.Authorization, CityHeaders.FrontendSource]);

    public T Value => value;
    object? IValueHttpResult.Value => value;
    public int? StatusCode => StatusCodes.Status200OK;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        byte[]? body = null;
        var tag = etag ?? ETags.OfContent(body = Serialize(httpContext));
        response.Headers.CacheControl = "private, no-cache";
        response.Headers.Append(HeaderNames.Vary, VaryBy);
        response.Headers.ETag = tag;
        if (Preconditions.IsKnown(httpContext.Request, tag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        body ??= Serialize(httpContext);
        response.ContentType = contentType == MediaTypes.Json ? "application/json; charset=utf-8" : contentType;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(httpContext.Request.Method))
        {
            await response.Body.WriteAsync(body, httpContext.RequestAborted);
        }
    }

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder)
    {
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), [MediaTypes.Json]));
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status304NotModified, typeof(void)));
    }

    private byte[] Serialize(HttpContext context) => JsonSerializer.SerializeToUtf8Bytes(value, Json.Options(context));
}

/// <inheritdoc cref="Answers.Created{T}"/>
internal sealed class Added<T>(string location, T value, string etag)
    : IResult, IStatusCodeHttpResult, IValueHttpResult, IValueHttpResult<T>, IEndpointMetadataProvider
{
    public T Value => value;
    object? IValueHttpResult.Value => value;
    public int? StatusCode => StatusCodes.Status201Created;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.Headers.Location = location;
        return Json.WriteAsync(httpContext, StatusCodes.Status201Created, value, etag);
    }

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status201Created, typeof(T), [MediaTypes.Json]));
}

/// <inheritdoc cref="Answers.Changed{T}"/>
internal sealed class Changed<T>(T value, string etag)
    : IResult, IStatusCodeHttpResult, IValueHttpResult, IValueHttpResult<T>, IEndpointMetadataProvider
{
    public T Value => value;
    object? IValueHttpResult.Value => value;
    public int? StatusCode => StatusCodes.Status200OK;

    public Task ExecuteAsync(HttpContext httpContext) => Json.WriteAsync(httpContext, StatusCodes.Status200OK, value, etag);

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), [MediaTypes.Json]));
}

/// <summary>The one JSON configuration of the service, where code reads or writes JSON itself.</summary>
internal static class Json
{
    public static JsonSerializerOptions Options(HttpContext context) =>
        context.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;

    public static Task WriteAsync<T>(HttpContext context, int status, T value, string etag)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.ETag = etag;
        context.Response.Headers.CacheControl = "private, no-cache";
        return context.Response.WriteAsJsonAsync(value, Options(context), context.RequestAborted);
    }
}
