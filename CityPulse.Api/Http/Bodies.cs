using System.Text.Json;
using System.Text.Json.Nodes;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace CityPulse.Api.Http;

/// <summary>
/// Bodies of <c>PUT</c> and <c>PATCH</c>. They are read as a document first: a patch means something else by a member
/// that is null than by one that is absent, and a replacement may be the resource as it was read, read-only members included.
/// </summary>
internal static class Bodies
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Reads the body of a <c>PUT</c> as a whole new <typeparamref name="T"/>.</summary>
    /// <param name="readOnly">Members of the resource that a client may send back but that stay as they are.</param>
    public static async Task<Parsed<T>> ReadReplacementAsync<T>(HttpRequest request, IReadOnlyCollection<string> readOnly, Guid id)
        where T : class
    {
        var options = Json.Options(request.HttpContext);
        var (body, problem) = await ReadObjectAsync(request, typeof(T), options, MediaTypes.Json);
        if (body is null)
        {
            return new(null, problem);
        }

        if (body["id"] is { } given && readOnly.Contains("id") && !(given is JsonValue text && text.TryGetValue<Guid>(out var sent) && sent == id))
        {
            return new(null, Problems.Validation("id", "id must be the one in the address, or absent."));
        }

        foreach (var name in readOnly)
        {
            body.Remove(name);
        }

        return MergePatch.Canonicalize(body, typeof(T), options, out var errors) is { } canonical
            ? MergePatch.Deserialize<T>(canonical, options)
            : new(null, Problems.Validation(errors));
    }

    /// <summary>Reads the body of a <c>PATCH</c>: a JSON merge patch (RFC 7396) of <typeparamref name="T"/>.</summary>
    public static async Task<Parsed<JsonObject>> ReadMergePatchAsync<T>(HttpRequest request)
    {
        var options = Json.Options(request.HttpContext);
        var (body, problem) = await ReadObjectAsync(request, typeof(T), options, MediaTypes.MergePatch, MediaTypes.Json);
        if (body is null)
        {
            return new(null, problem);
        }

        return MergePatch.Canonicalize(body, typeof(T), options, out var errors) is { } canonical
            ? new(canonical, null)
            : new(null, Problems.Validation(errors));
    }

    private static async Task<(JsonObject? Body, ProblemHttpResult? Problem)> ReadObjectAsync(
        HttpRequest request, Type expected, JsonSerializerOptions options, params string[] mediaTypes)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !mediaTypes.Any(m => type.MediaType.Equals(m, StringComparison.OrdinalIgnoreCase))
            || !(type.Charset.Length == 0 || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)))
        {
            return (null, Problems.Of(StatusCodes.Status415UnsupportedMediaType, $"Send {string.Join(" or ", mediaTypes)} in UTF-8."));
        }

        try
        {
            using var document = await JsonDocument.ParseAsync(request.Body, Strict, request.HttpContext.RequestAborted);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return (null, Problems.Validation("$", "The body must be a JSON object."));
            }

            return IsText(document.RootElement)
                ? (JsonObject.Create(document.RootElement.Clone()), null)
                : (null, Problems.Validation("$", "The body holds half of a surrogate pair."));
        }
        catch (JsonException e)
        {
            return (null, Problems.Json(e, expected, options));
        }
    }

    /// <summary>Escapes can spell what is no text; a document tells only when it is read.</summary>
    private static bool IsText(JsonElement element)
    {
        try
        {
            return element.ValueKind switch
            {
                JsonValueKind.Object => element.EnumerateObject().All(member => member.Name is not null && IsText(member.Value)),
                JsonValueKind.Array => element.EnumerateArray().All(IsText),
                JsonValueKind.String => element.GetString() is not null,
                _ => true,
            };
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}

/// <summary>What was read, or why it could not be.</summary>
internal readonly record struct Parsed<T>(T? Value, ProblemHttpResult? Problem)
    where T : class;
