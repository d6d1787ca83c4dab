using System.Security.Cryptography;
using System.Text.Json;
using CityPulse.AiGateway.Description;
using CityPulse.ServiceDefaults.Json;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace CityPulse.AiGateway.Http;

/// <summary>Reads that a reader need not get twice: what a GET answers in JSON has an ETag of its bytes, or is 304 to whoever has them already.</summary>
internal static class TaggedReads
{
    /// <summary>All routes that are mapped on it read so; streams and errors stay as they are.</summary>
    public static RouteGroupBuilder MapTaggedReads(this IEndpointRouteBuilder app)
    {
        var reads = app.MapGroup("");
        ((IEndpointConventionBuilder)reads).Add(endpoint =>
        {
            if (endpoint.Metadata.OfType<IHttpMethodMetadata>().Any(m => m.HttpMethods.Contains(HttpMethods.Get)))
            {
                endpoint.FilterFactories.Add((_, next) => async call => Tagged(await next(call)));
            }
        });
        return reads.AddOpenApiOperationTransformer((operation, context, _) =>
        {
            if (context.Description.HttpMethod == HttpMethods.Get && operation.Responses?.GetValueOrDefault("200")?.Content?.ContainsKey("application/json") == true)
            {
                operation.Responses["304"] = new OpenApiResponse { Description = "Not Modified" };
                operation.Describe("If-None-Match", "ETags that the caller has; 304 when one of them is still true.");
                operation.DescribeAnswer("200", "ETag", "Of the answer's bytes.");
            }

            return Task.CompletedTask;
        });
    }

    private static object? Tagged(object? answer)
    {
        var result = answer is INestedHttpResult nested ? nested.Result : answer;
        return result is IStatusCodeHttpResult { StatusCode: StatusCodes.Status200OK } and IValueHttpResult { Value: { } value } ? new TaggedAnswer(value) : answer;
    }

    private sealed class TaggedAnswer(object value) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var body = JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), JsonDefaults.Options);
            var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 12))}\"");
            var response = httpContext.Response;
            response.Headers.ETag = tag.ToString();
            response.Headers.CacheControl = "private, no-cache";
            response.Headers.Vary = "Authorization, Accept-Encoding, Origin, X-Frontend-Source";
            if (httpContext.Request.GetTypedHeaders().IfNoneMatch is { Count: > 0 } had
                && had.Any(t => t.Equals(EntityTagHeaderValue.Any) || t.Compare(tag, useStrongComparison: false)))
            {
                response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }

            response.ContentType = "application/json; charset=utf-8";
            response.ContentLength = body.Length;
            await response.Body.WriteAsync(body, httpContext.RequestAborted);
        }
    }
}
