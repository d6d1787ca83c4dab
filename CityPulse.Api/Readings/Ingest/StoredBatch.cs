using CityPulse.Contracts;
using Npgsql;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>Readings of one sensor that a batch inserted or corrected: the first and the last of a run without a long gap.</summary>
internal readonly record struct StoredSpan(SensorEntry Sensor, long FirstMicroseconds, long LastMicroseconds);

/// <summary>What a batch changed in the store. Rows that were stored already, as they are, are no part of it.</summary>
internal sealed class StoredBatch(Guid organizationId)
{
    /// <summary>A longer gap begins a new span, so that a few late readings do not stand for the years between them.</summary>
    private static readonly long LongGap = (long)TimeSpan.FromDays(7).TotalMicroseconds;

    private readonly List<StoredSpan> _spans = [];

    public Guid OrganizationId => organizationId;

    /// <summary>One or more of each sensor, in order of the sensors' keys and of time.</summary>
    public IReadOnlyList<StoredSpan> Spans => _spans;

    /// <param name="points">One sensor's, at least one, times rising.</param>
    public void Add(SensorEntry sensor, ReadOnlySpan<ReadingBatch.Point> points)
    {
        var first = points[0].AtMicroseconds;
        for (var i = 1; i < points.Length; i++)
        {
            var before = points[i - 1].AtMicroseconds;
            if (points[i].AtMicroseconds - before > LongGap)
            {
                _spans.Add(new StoredSpan(sensor, first, before));
                first = points[i].AtMicroseconds;
            }
        }

        _spans.Add(new StoredSpan(sensor, first, points[^1].AtMicroseconds));
    }
}

/// <summary>
/// Something that must be known of every change of readings, without fail: its commands travel in the round trip that
/// commits the batch, in the same transaction. Every batch pays for them, so they are few and small.
/// </summary>
internal interface IStoredBatchPart
{
    /// <summary>Adds commands before the commit. Called again when the batch has to be stored again.</summary>
    void AddTo(NpgsqlBatch commit, StoredBatch stored);

    /// <summary>After the commit: a worker may be woken. What must not be lost belongs into the commands.</summary>
    void Committed(StoredBatch stored)
    {
    }
}
