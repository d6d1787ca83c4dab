using System.Buffers;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Realtime.Feed.Domain;

namespace CityPulse.Realtime.Feed;

/// <summary>
/// One event on its way to clients. Its wire forms are made when first asked for and then shared by all connections.
/// </summary>
internal sealed class FeedEvent(StreamRecord record, RecordEvent part)
{
    private byte[]? _json;
    private object[] _renderings = [];

    public EventId Id => part.Id;

    public Topic Topic => part.Topic;

    public string Type => record.Type;

    public DateTimeOffset At => record.At;

    public Guid OrganizationId => record.OrganizationId;

    /// <summary>The sensors of a readings event; <c>null</c> for events whose data is <see cref="DataJson"/>.</summary>
    public IReadOnlyList<ReadingBatch.Block>? Blocks => part.Blocks;

    public ReadOnlyMemory<byte> DataJson => record.Data;

    /// <summary>The whole event as UTF-8 JSON.</summary>
    public ReadOnlyMemory<byte> Json => _json ??= WriteJson();

    /// <summary>About what the event takes in a queue, known before it is written.</summary>
    public long EstimatedBytes { get; } = 256 + (part.Blocks is { } blocks ? 140L * blocks.Sum(b => b.Points.Length) : record.Data.Length);

    /// <summary>The same event with other readings.</summary>
    public FeedEvent With(IReadOnlyList<ReadingBatch.Block> blocks) => new(record, part with { Blocks = blocks });

    /// <summary>What one protocol makes of the event, made once. Two threads at once may make it twice; either serves.</summary>
    public T As<T>(Func<FeedEvent, T> render)
        where T : class
    {
        foreach (var rendering in _renderings)
        {
            if (rendering is T known)
            {
                return known;
            }
        }

        var made = render(this);
        _renderings = [.. _renderings, made];
        return made;
    }

    private byte[] WriteJson()
    {
        var buffer = new ArrayBufferWriter<byte>((int)Math.Min(EstimatedBytes, 1 << 20));
        using var json = new Utf8JsonWriter(buffer);
        Span<char> text = stackalloc char[Rfc3339.MaxLength];
        json.WriteStartObject();
        json.WriteString("id"u8, Id.ToString());
        json.WriteString("topic"u8, Topic.ToString());
        json.WriteString("type"u8, Type);
        json.WriteString("at"u8, Rfc3339.Format(At, text));
        json.WriteString("organizationId"u8, OrganizationId);
        json.WritePropertyName("data"u8);
        if (Blocks is null)
        {
            // Checked to be JSON when the event was made.
            json.WriteRawValue(DataJson.Span, skipInputValidation: true);
        }
        else
        {
            json.WriteStartArray();
            foreach (var block in Blocks)
            {
                foreach (var point in block.Points.Span)
                {
                    json.WriteStartObject();
                    json.WriteString("sensorId"u8, block.SensorId);
                    json.WriteString("buildingId"u8, block.BuildingId);
                    json.WriteString("at"u8, Rfc3339.Format(point.At, text));
                    json.WriteNumber("value"u8, point.Value);
                    json.WriteEndObject();
                }
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
