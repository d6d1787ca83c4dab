using System.Security.Claims;
using CityPulse.Api.DeviceKeys;
using CityPulse.Api.Http;
using CityPulse.Api.Readings.Quarantine;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Net.Http.Headers;
using Npgsql;

namespace CityPulse.Api.Readings.Ingest;

internal static class IngestEndpoints
{
    private const string Csv = "text/csv";
    private const string Ndjson = "application/x-ndjson";
    private const string SenMl = "application/senml+json";

    /// <summary>A body that trickles in holds a place that others wait for.</summary>
    private static readonly Microsoft.AspNetCore.Server.Kestrel.Core.MinDataRate SlowestBody = new(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(10));

    public static void MapIngest(this IEndpointRouteBuilder app) =>
        app.MapPost("/api/v1/citypulse/sensors/readings", IngestAsync)
            .WithName("IngestReadings").WithTags("Readings")
            .WithSummary("Stores a batch of readings: 200 means that they are committed.")
            .RequirePermission(Permission.Ingest)
            .ReadsContentEncoding()
            .WithMetadata(new RequestSizeLimitAttribute(IngestLimits.MaxBytes))
            .Accepts<IngestRequest>(MediaTypes.Json, Ndjson, Csv, SenMl)
            .Refuses(400, 413, 415, 422, 503);

    private static async Task<Results<Ok<IngestResponse>, ProblemHttpResult>> IngestAsync(
        HttpContext http, ReadingStore store, QuarantineSift sift, IngestGate gate, IngestMetrics metrics, TimeProvider time, CancellationToken cancellationToken)
    {
        var (organizationId, buildings) = SenderOf(http.User);
        using var batch = new IngestBatch(Timestamp.FromDateTimeOffset(time.GetUtcNow())) { Buildings = buildings };
        if (ParserFor(http.Request, batch) is not { } parser)
        {
            return Problems.Of(StatusCodes.Status415UnsupportedMediaType, $"Send the body as {MediaTypes.Json}, {Ndjson}, {Csv} or {SenMl} in UTF-8.");
        }

        if (!TryReadCoding(http.Request, out var isGzip))
        {
            http.Response.Headers.AcceptEncoding = "gzip";
            return Problems.Of(StatusCodes.Status415UnsupportedMediaType, "The only Content-Encoding taken is gzip.");
        }

        using var permit = await gate.EnterAsync(cancellationToken);
        if ((permit is null ? BodyFeed.Busy() : await ReadBodyAsync(http, isGzip, parser, permit, cancellationToken)) is { } fault)
        {
            return Refuse(http, fault);
        }

        try
        {
            var started = time.GetTimestamp();
            var (outcome, sensors) = await store.StoreAsync(organizationId, batch, sift, cancellationToken);
            var lag = batch.NewestMicroseconds is { } newest ? TimeSpan.FromMicroseconds(Timestamp.FromDateTimeOffset(time.GetUtcNow()) - newest) : (TimeSpan?)null;
            metrics.Stored(outcome, batch.Count, time.GetElapsedTime(started), lag);
            return Answer(outcome, batch, sensors);
        }
        catch (NpgsqlException e) when (e.IsTransient)
        {
            return Refuse(http, new BodyFault(
                StatusCodes.Status503ServiceUnavailable, "$", "The database cannot be reached now; nothing is lost if you send the batch again."));
        }
    }

    private static (Guid OrganizationId, IReadOnlySet<Guid>? Buildings) SenderOf(ClaimsPrincipal user) =>
        user.Identity is DeviceIdentity { Device: var device } ? (device.OrganizationId, device.Buildings) : (user.GetCaller().OrganizationId, null);

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
            SenMl => new SenMlReadingParser(batch),
            _ => null,
        };
    }

    private static bool TryReadCoding(HttpRequest request, out bool isGzip)
    {
        var coding = request.Headers.ContentEncoding.ToString().Trim();
        isGzip = coding.Equals("gzip", StringComparison.OrdinalIgnoreCase) || coding.Equals("x-gzip", StringComparison.OrdinalIgnoreCase);
        return isGzip || coding.Length == 0 || coding.Equals("identity", StringComparison.OrdinalIgnoreCase);
    }

    private static ProblemHttpResult Refuse(HttpContext http, BodyFault fault)
    {
        switch (fault.Status)
        {
            case StatusCodes.Status400BadRequest:
                return Problems.Validation(fault.Path, fault.Message);
            case StatusCodes.Status503ServiceUnavailable:
                http.Response.Headers.RetryAfter = "1";
                break;
        }

        return Problems.Of(fault.Status, fault.Message);
    }

    private static async Task<BodyFault?> ReadBodyAsync(
        HttpContext http, bool isGzip, ReadingParser parser, IngestGate.Permit permit, CancellationToken cancellationToken)
    {
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = SlowestBody;
        }

        // A length that is announced need not be read to be too much.
        if (http.Request.ContentLength > IngestLimits.MaxBytes)
        {
            return BodyFeed.TooLarge();
        }

        try
        {
            return await BodyFeed.ReadAsync(http.Request.Body, isGzip, parser, permit, cancellationToken);
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
