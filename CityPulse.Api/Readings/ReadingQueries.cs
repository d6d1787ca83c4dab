using CityPulse.Api.Data;
using CityPulse.Api.Energy;
using CityPulse.Api.Http;
using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Api.Sensors;
using CityPulse.Api.Sensors.Domain;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.EntityFrameworkCore;
using Microsoft.Net.Http.Headers;

namespace CityPulse.Api.Readings;

/// <summary>Answers <c>GET /sensors/{id}/readings</c>.</summary>
internal static class ReadingQueries
{
    /// <summary>Where a page ended, and the period of the first page: "now" moves on while someone turns pages.</summary>
    internal sealed record PlaceKey(long At, long From, long To);

    /// <summary>As many as a chart or a person can make use of.</summary>
    private const int MaxGaps = 1000;

    private sealed record Subject(int Key, Guid Id, string Unit, string TimeZone, int IntervalSeconds);

    public static async Task<IResult> ReadAsync(
        Guid id, [AsParameters] ReadingFilter filter, HttpContext http, CityDb db, ReadingReader reader, Cursors cursors, TimeProvider time,
        CancellationToken cancellationToken)
    {
        http.Response.Headers.Append(HeaderNames.Vary, HeaderNames.Accept);
        var subject = await (
            from s in db.Sensors.AsNoTracking()
            join b in db.Buildings on s.BuildingId equals b.Id
            where s.Id == id
            select new Subject(s.Key, s.Id, s.Unit, b.TimeZone, s.IntervalSeconds)).SingleOrDefaultAsync(cancellationToken);
        if (subject is null)
        {
            return Problems.NotFound("sensor");
        }

        var (period, problem) = EnergyPeriod.Parse(filter.From, filter.To, time.GetUtcNow());
        if (problem is not null)
        {
            return problem;
        }

        if (Resolutions.Parse(filter.Resolution, period.Length) is not { } resolution)
        {
            return Problems.Validation("resolution", $"resolution must be one of {Resolutions.Expected}.");
        }

        if (filter.Order is not (null or "asc" or "desc"))
        {
            return Problems.Validation("order", "order must be asc or desc.");
        }

        var scope = new CursorScope(db.OrganizationId, SensorEndpoints.Route + "/readings", id, filter.From, filter.To, resolution, filter.Order);
        var (page, refusal) = PageStart<PlaceKey>.From(cursors, scope, filter.Limit, filter.Cursor);
        if (page is null)
        {
            return refusal!;
        }

        // Whole microseconds, rounded up at both ends: an instant between two of them belongs to the period that holds the later one.
        var span = page.After is { } first ? new Span(first.From, first.To) : new Span(Ceiling(period.From), Ceiling(period.To));
        var clock = resolution == Resolution.Raw ? null : new BucketClock(resolution, TimeZoneInfo.FindSystemTimeZoneById(subject.TimeZone));
        if (clock?.HasTooMany(span.From, span.To) == true)
        {
            return Problems.Validation(
                "resolution", $"The period has more than {BucketClock.MaxBuckets} buckets of {resolution.Name()}; ask for a shorter one or a coarser resolution.");
        }

        var descending = filter.Order == "desc";
        if (CsvReadings.IsAsked(http.Request))
        {
            return new CsvReadings(reader, subject.Key, span, clock, descending);
        }

        var gaps = filter.Gaps == true ? await GapsAsync(reader, subject, span, time.GetUtcNow(), cancellationToken) : null;
        var rest = page.After is not { } after ? span : descending ? span with { To = after.At } : span with { From = after.At };
        return clock is null
            ? await RawAsync(reader, subject, page, span, rest, descending, gaps, cancellationToken)
            : await BucketsAsync(reader, subject, page, filter.Limit, clock, resolution, span, rest, descending, gaps, cancellationToken);
    }

    /// <summary>The place where the next page goes on is the first instant (or, going back, the end) that it may hold.</summary>
    private static async Task<Read<ReadingsResponse<ReadingItem>>> RawAsync(
        ReadingReader reader, Subject subject, PageStart<PlaceKey> page, Span whole, Span rest, bool descending,
        IReadOnlyList<GapItem>? gaps, CancellationToken cancellationToken)
    {
        var points = new List<ReadingBatch.Point>(page.Fetch);
        await foreach (var point in reader.ReadAsync(subject.Key, rest, descending, page.Fetch, cancellationToken))
        {
            points.Add(point);
        }

        var result = page.ToPage(points, p => new PlaceKey(descending ? p.AtMicroseconds : p.AtMicroseconds + 1, whole.From, whole.To));
        return Answers.Read(new ReadingsResponse<ReadingItem>(
            subject.Id, subject.Unit, Resolution.Raw.Name(), [.. result.Items.Select(ReadingItems.Of)], result.NextCursor, gaps));
    }

    private static async Task<Read<ReadingsResponse<BucketItem>>> BucketsAsync(
        ReadingReader reader, Subject subject, PageStart<PlaceKey> page, int? limit, BucketClock clock, Resolution resolution,
        Span whole, Span rest, bool descending, IReadOnlyList<GapItem>? gaps, CancellationToken cancellationToken)
    {
        // The period itself is bounded to a number of buckets that fits one answer, so a page is for those who ask for one.
        var isPaged = limit is not null || page.After is not null;
        var buckets = isPaged
            ? await reader.ReadBucketsAsync(subject.Key, rest, clock, descending, page.Fetch, cancellationToken)
            : await reader.ReadBucketsAsync(subject.Key, rest, clock, descending, cancellationToken).ToListAsync(cancellationToken);
        var result = isPaged
            ? page.ToPage(buckets, b => new PlaceKey(descending ? b.Start : b.End, whole.From, whole.To))
            : new Page<Bucket>(buckets, null);
        return Answers.Read(new ReadingsResponse<BucketItem>(
            subject.Id, subject.Unit, resolution.Name(), [.. result.Items.Select(ReadingItems.Of)], result.NextCursor, gaps));
    }

    /// <summary>What is not over yet is no gap.</summary>
    private static async Task<IReadOnlyList<GapItem>> GapsAsync(
        ReadingReader reader, Subject subject, Span span, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var past = span with { To = Math.Min(span.To, Timestamp.FromDateTimeOffset(now)) };
        var longest = TimeSpan.FromSeconds((double)SensorStatus.IntervalsUntilStale * subject.IntervalSeconds);
        return [.. (await reader.ReadGapsAsync(subject.Key, past, longest, MaxGaps, cancellationToken))
            .Select(gap => new GapItem(Timestamp.ToDateTimeOffset(gap.From), Timestamp.ToDateTimeOffset(gap.To)))];
    }

    private static long Ceiling(DateTimeOffset time) =>
        Timestamp.FromDateTimeOffset(time.AddTicks(TimeSpan.TicksPerMicrosecond - 1));
}
