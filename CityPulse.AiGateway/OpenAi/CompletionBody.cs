using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>
/// The body of a request as the framework would bind it, with the same exceptions, for a fraction of the work where all of it has come with
/// the head, as nearly always. Whatever is unusual goes the framework's way from the start, so that there is one way to say what is wrong.
/// </summary>
internal static class CompletionBody
{
    private const string MediaType = "application/json";
    private const int LongestAtOnce = 64 * 1024;

    /// <summary>Null where the status has been set, or nobody is there any more to be answered.</summary>
    public static async ValueTask<ChatCompletionRequest?> ReadAsync(HttpContext context, JsonTypeInfo<ChatCompletionRequest> type)
    {
        var request = context.Request;
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true)
        {
            throw Missing();
        }

        if (request.ContentType != MediaType && !request.HasJsonContentType())
        {
            throw new BadHttpRequestException($"Expected a supported JSON media type but got \"{request.ContentType}\".", StatusCodes.Status415UnsupportedMediaType);
        }

        ChatCompletionRequest? read;
        try
        {
            read = ReadAtOnce(request, type) ?? await request.ReadFromJsonAsync(type);
        }
        catch (BadHttpRequestException e)
        {
            context.Response.StatusCode = e.StatusCode;
            return null;
        }
        catch (IOException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new BadHttpRequestException($"Failed to read parameter \"{nameof(ChatCompletionRequest)} request\" from the request body as JSON.", StatusCodes.Status400BadRequest, e);
        }

        return read ?? throw Missing();
    }

    /// <summary>Null where not all of it has come, or it cannot be read; nothing has been taken then.</summary>
    private static ChatCompletionRequest? ReadAtOnce(HttpRequest request, JsonTypeInfo<ChatCompletionRequest> type)
    {
        var body = request.BodyReader;
        if (!body.TryRead(out var found))
        {
            return null;
        }

        ChatCompletionRequest? read = null;
        if (found is { IsCompleted: true, Buffer.Length: <= LongestAtOnce })
        {
            try
            {
                var json = found.Buffer.IsSingleSegment ? found.Buffer.FirstSpan : found.Buffer.ToArray();
                read = PlainCompletion.Read(json) ?? JsonSerializer.Deserialize(json, type);
            }
            catch (JsonException)
            {
                // Read again, and said, by the framework.
            }
        }

        body.AdvanceTo(read is null ? found.Buffer.Start : found.Buffer.End);
        return read;
    }

    private static BadHttpRequestException Missing() =>
        new($"Required parameter \"{nameof(ChatCompletionRequest)} request\" was not provided from body.", StatusCodes.Status400BadRequest);
}
