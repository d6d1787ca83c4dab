using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>Compressed bodies of requests: what we know is unpacked while it is read, within the endpoint's limit; the rest is 415.</summary>
public static class ContentEncodings
{
    private sealed class OwnReader
    {
        public static readonly OwnReader Instance = new();
    }

    /// <summary>Tells the error pipeline that bad data is the client's: the header itself is gone once the body is unpacked.</summary>
    internal sealed class Unpacked;

    /// <summary>Marks endpoints that look at Content-Encoding themselves.</summary>
    public static TBuilder ReadsContentEncoding<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(OwnReader.Instance);

    private static readonly string[] Known = ["gzip", "br", "deflate"];

    internal static void UseContentEncodings(this IApplicationBuilder app)
    {
        app.Use(static (context, next) =>
        {
            var encoding = context.Request.Headers.ContentEncoding;
            if (encoding.Count == 0 || LeavesBodyAlone(context))
            {
                return next(context);
            }

            var name = encoding.ToString();
            if (name.Equals("identity", StringComparison.OrdinalIgnoreCase))
            {
                context.Request.Headers.ContentEncoding = default;
            }
            else if (Array.FindIndex(Known, known => known.Equals(name, StringComparison.OrdinalIgnoreCase)) < 0)
            {
                context.Response.Headers.AcceptEncoding = string.Join(", ", Known);
                return Problems.Of(StatusCodes.Status415UnsupportedMediaType, $"Send the body with Content-Encoding {string.Join(", ", Known)} or none.")
                    .ExecuteAsync(context);
            }
            else
            {
                context.Features.Set(new Unpacked());
            }

            return next(context);
        });
        app.UseWhen(static context => !LeavesBodyAlone(context), static branch => branch.UseRequestDecompression());
    }

    private static bool LeavesBodyAlone(HttpContext context) =>
        context.IsPassThrough() || context.GetEndpoint()?.Metadata.GetMetadata<OwnReader>() is not null;
}
