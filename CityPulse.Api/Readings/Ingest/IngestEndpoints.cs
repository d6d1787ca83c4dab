using CityPulse.Api.Http;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;
using Npgsql;

namespace CityPulse.Api.Readings.Ingest;

internal static class IngestEndpoints
{
    private const string Csv = "text/csv";
    private const string Ndjson = "application/x-ndjson";

    public static void MapIngest(this IEndpointRouteBuilder app) =>
        app.MapPost("/api/v1/citypulse/sensors/readings", IngestAsync)
            .WithName("IngestReadings").WithTags("Readings")
            .WithSummary("Stores a batch of readings: 200 means that they are committed.")
            .RequirePermission(Permission.Ingest)
            .ReadsContentEncoding()
            .WithMetadata(new RequestSizeLimitAttribute(IngestLimits.MaxBytes))
            .Accepts<IngestRequest>(MediaTypes.Json, Ndjson, Csv)
            .Refuses(400, 413, 415, 422, 503);

    private static async Task<Results<Ok<IngestResponse>, ProblemHttpResult>> IngestAsync(
        HttpContext http, ReadingStore store, IngestMetrics metrics, TimeProvider time, CancellationToken cancellationToken)
    {
        using var batch = new IngestBatch(Timestamp.FromDateTimeOffset(time.GetUtcNow()));
        if (ParserFor(http.Request, batch) is not { } parser)
        {
            return Problems.Of(StatusCodes.Status415UnsupportedMediaType, $"Send the body as {MediaTypes.Json}, {Ndjson} or {Csv} in UTF-8.");
        }

        if (!TryReadCoding(http.Request, out var isGzip))
        {
            http.Response.Headers.AcceptEncoding = "gzip";
            return Problems.Of(StatusCodes.Status415UnsupportedMediaType, "The only Content-Encoding taken is gzip.");
        }

        if (await ReadBodyAsync(http, isGzip, parser, cancellationToken) is { } fault)
        {
            return fault.Status == StatusCodes.Status400BadRequest
                ? Problems.Validation(fault.Path, fault.Message)
                : Problems.Of(fault.Status, fault.Message);
        }

        try
        {
            var started = time.GetTimestamp();
            var (outcome, sensors) = await store.StoreAsync(http.User.GetCaller().OrganizationId, batch, cancellationToken);
            metrics.Stored(outcome, batch.Count, time.GetElapsedTime(started));
            return Answer(outcome, batch, sensors);
        }
        catch (NpgsqlException e) when (e.IsTransient)
        {
            http.Response.Headers.RetryAfter = "1";
            return Problems.Of(StatusCodes.Status503ServiceUnavailable, "The database cannot be reached now; nothing is lost if you send the batch again.");
        }
    }

    private static ReadingParser? ParserFor(HttpRequest request, IngestBatch batch)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || (type.Charset.HasValue && !HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase)))
        {
            return null;
        }

        return type.MediaType.Value?.ToLowerInvariant() switch
        {
            MediaTypes.Json => new JsonReadingParser(batch),
            Ndjson => new NdjsonReadingParser(batch),
            Csv => new CsvReadingParser(batch),
            _ => null,
        };
    }

    private static bool TryReadCoding(HttpRequest request, out bool isGzip)
    {
        var coding = request.Headers.ContentEncoding.ToString().Trim();
        isGzip = coding.Equals("gzip", StringComparison.OrdinalIgnoreCase) || coding.Equals("x-gzip", StringComparison.OrdinalIgnoreCase);
        return isGzip || coding.Length == 0 || coding.Equals("identity", StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<BodyFault?> ReadBodyAsync(HttpContext http, bool isGzip, ReadingParser parser, CancellationToken cancellationToken)
    {
        // A length that is announced need not be read to be too much.
        if (http.Request.ContentLength > IngestLimits.MaxBytes)
        {
            return BodyFeed.TooLarge();
        }

        try
        {
            return await BodyFeed.ReadAsync(http.Request.Body, isGzip, parser, cancellationToken);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return BodyFeed.TooLarge();
        }
    }

    private static Results<Ok<IngestResponse>, ProblemHttpResult> Answer(StoreOutcome outcome, IngestBatch batch, OrganizationSensors sensors)
    {
        var rejected = batch.Count - outcome.Accepted - outcome.Updated - outcome.Duplicates;
        var errors = RowErrors.Of(batch, sensors);
        if (rejected < batch.Count)
        {
            return TypedResults.Ok(new IngestResponse(outcome.Accepted, outcome.Updated, outcome.Duplicates, rejected, errors));
        }

        return TypedResults.Problem(new ProblemDetails
        {
            Status = StatusCodes.Status422UnprocessableEntity,
            Detail = batch.Count == 0 ? "The batch has no rows." : $"None of the {batch.Count} rows can be stored: {errors[0].Detail}",
            Extensions =
            {
                ["accepted"] = 0,
                ["updated"] = 0,
                ["duplicates"] = 0,
                ["rejected"] = rejected,
                ["errors"] = errors,
            },
        });
    }
}
