using System.Text.Json;
using CityPulse.Contracts;

namespace CityPulse.Realtime.Feed.Domain;

/// <summary>One event that a record tells: its id and topic and, for readings, the part of the batch that belongs to it.</summary>
/// <param name="Blocks">The sensors of the event; <c>null</c> when the record carries its JSON ready.</param>
internal readonly record struct RecordEvent(EventId Id, Topic Topic, IReadOnlyList<ReadingBatch.Block>? Blocks);

/// <summary>
/// Turns a record of the outbox into the events that somebody follows. The number of an event within its record follows
/// from the record alone, so every replica, and every replay, gives the same event the same id.
/// </summary>
internal static class RecordEvents
{
    /// <param name="followed">Whether anybody wants the topic; the others are counted and not made.</param>
    /// <exception cref="InvalidDataException">The record's data is broken.</exception>
    public static List<RecordEvent> Of(StreamRecord record, Func<Topic, bool> followed) =>
        record.Type == StreamRecord.ReadingsType ? OfReadings(record, followed) : OfTopics(record, followed);

    private static List<RecordEvent> OfTopics(StreamRecord record, Func<Topic, bool> followed)
    {
        var events = new List<RecordEvent>();
        for (var i = 0; i < record.Topics.Length; i++)
        {
            // A topic, or an event in it, that this version does not know is another version's business.
            if (Topic.TryParse(record.Topics[i], out var topic) && topic.Types.Contains(record.Type) && followed(topic))
            {
                events.Add(new RecordEvent(new EventId(record.Position, i), topic, null));
            }
        }

        if (events.Count > 0)
        {
            RequireJson(record.Data.Span);
        }

        return events;
    }

    private static List<RecordEvent> OfReadings(StreamRecord record, Func<Topic, bool> followed)
    {
        var events = new List<RecordEvent>();
        var blocks = ReadingBatch.Read(record.Data.Span);
        var index = 0;
        Add(new Topic(TopicKind.Readings), () => blocks);

        var buildings = new HashSet<Guid>();
        foreach (var block in blocks)
        {
            if (buildings.Add(block.BuildingId))
            {
                Add(new Topic(TopicKind.BuildingReadings, block.BuildingId), () => blocks.FindAll(b => b.BuildingId == block.BuildingId));
            }
        }

        foreach (var block in blocks)
        {
            Add(new Topic(TopicKind.SensorReadings, block.SensorId), () => [block]);
        }

        return events;

        void Add(Topic topic, Func<IReadOnlyList<ReadingBatch.Block>> part)
        {
            if (followed(topic))
            {
                events.Add(new RecordEvent(new EventId(record.Position, index), topic, part()));
            }

            index++;
        }
    }

    /// <summary>Data travels to clients as it is; what is no JSON would break the message around it, and their connection.</summary>
    private static void RequireJson(ReadOnlySpan<byte> data)
    {
        try
        {
            var reader = new Utf8JsonReader(data);
            while (reader.Read())
            {
            }
        }
        catch (JsonException e)
        {
            throw new InvalidDataException("The record's data is no JSON.", e);
        }
    }
}
