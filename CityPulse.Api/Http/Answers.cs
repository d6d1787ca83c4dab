using System.Reflection;
using System.Text.Json;
using CityPulse.Api.Http.Kept;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Options;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace CityPulse.Api.Http;

/// <summary>Successful answers as every slice gives them.</summary>
internal static class Answers
{
    /// <summary>200 to a read: private, revalidated, 304 when the reader has it. Without a tag the body's hash is taken.</summary>
    /// <param name="holdsUntil">When the clock alone makes it untrue, so that it is not kept longer (<see cref="KeptAnswers"/>).</param>
    public static Read<T> Read<T>(T value, string? etag = null, string contentType = MediaTypes.Json, DateTimeOffset? holdsUntil = null) =>
        new(value, etag, contentType, holdsUntil);

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
internal sealed class Read<T>(T value, string? etag, string contentType, DateTimeOffset? holdsUntil)
    : IResult, IStatusCodeHttpResult, IValueHttpResult, IValueHttpResult<T>, IEndpointMetadataProvider
{
    /// <summary>Whose token, which frontend and whose page; and the form, where compression is offered.</summary>
    private const string VaryBy = "Authorization, Accept-Encoding, Origin, X-Frontend-Source";

    public T Value => value;
    object? IValueHttpResult.Value => value;
    public int? StatusCode => StatusCodes.Status200OK;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var type = contentType == MediaTypes.Json ? "application/json; charset=utf-8" : contentType;
        // What the handler itself looked at, such as Accept, stands first.
        var vary = httpContext.Response.Headers.Vary is [{ Length: > 0 } own] ? $"{own}, {VaryBy}" : VaryBy;
        if (httpContext.Features.Get<PendingAnswer>() is { } pending)
        {
            var bytes = Serialize(httpContext);
            var tagOfBytes = etag ?? ETags.OfContent(bytes);
            pending.Leave(tagOfBytes, type, vary, bytes, holdsUntil);
            await Sending.WriteAsync(httpContext, tagOfBytes, type, vary, bytes);
            return;
        }

        byte[]? body = null;
        var tag = etag ?? ETags.OfContent(body = Serialize(httpContext));
        if (!Sending.WriteKnown(httpContext, tag, vary))
        {
            await Sending.WriteAsync(httpContext, tag, type, vary, body ?? Serialize(httpContext));
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
