using System.Text.Json;
using System.Text.Json.Serialization;
using MessagePack;
using MessagePack.Formatters;

namespace CityPulse.Realtime.Feed.SignalR;

/// <summary>Puts the event's own JSON into SignalR's message.</summary>
internal sealed class FeedEventJsonConverter : JsonConverter<FeedEvent>
{
    public override FeedEvent Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("Events are sent, not received.");

    public override void Write(Utf8JsonWriter writer, FeedEvent value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value.Json.Span, skipInputValidation: true);
}

/// <summary>The contract's shapes in MessagePack: maps with the same camelCase names as in JSON.</summary>
internal static class FeedFormatters
{
    public static IReadOnlyList<IMessagePackFormatter> All { get; } =
        [new FeedEventFormatter(), new SubscribedFormatter(), new UnsubscribedFormatter(), new FeedErrorFormatter()];

    private static void WriteStrings(ref MessagePackWriter writer, IReadOnlyList<string> texts)
    {
        writer.WriteArrayHeader(texts.Count);
        foreach (var text in texts)
        {
            writer.Write(text);
        }
    }

    private abstract class SentFormatter<T> : IMessagePackFormatter<T>
    {
        public abstract void Serialize(ref MessagePackWriter writer, T value, MessagePackSerializerOptions options);

        public T Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
            throw new NotSupportedException("Answers and events are sent, not received.");
    }

    private sealed class SubscribedFormatter : SentFormatter<Subscribed>
    {
        public override void Serialize(ref MessagePackWriter writer, Subscribed value, MessagePackSerializerOptions options)
        {
            writer.WriteMapHeader(3);
            writer.Write("topics");
            WriteStrings(ref writer, value.Topics);
            writer.Write("lastId");
            writer.Write(value.LastId);
            writer.Write("gap");
            writer.Write(value.Gap);
        }
    }

    private sealed class UnsubscribedFormatter : SentFormatter<Unsubscribed>
    {
        public override void Serialize(ref MessagePackWriter writer, Unsubscribed value, MessagePackSerializerOptions options)
        {
            writer.WriteMapHeader(1);
            writer.Write("topics");
            WriteStrings(ref writer, value.Topics);
        }
    }

    private sealed class FeedErrorFormatter : SentFormatter<FeedError>
    {
        public override void Serialize(ref MessagePackWriter writer, FeedError value, MessagePackSerializerOptions options)
        {
            writer.WriteMapHeader(2);
            writer.Write("code");
            writer.Write(value.Code);
            writer.Write("detail");
            writer.Write(value.Detail);
        }
    }

    private sealed class FeedEventFormatter : SentFormatter<FeedEvent>
    {
        public override void Serialize(ref MessagePackWriter writer, FeedEvent value, MessagePackSerializerOptions options)
        {
            writer.WriteMapHeader(6);
            writer.Write("id");
            writer.Write(value.Id.ToString());
            writer.Write("topic");
            writer.Write(value.Topic.ToString());
            writer.Write("type");
            writer.Write(value.Type);
            writer.Write("at");
            writer.Write(Rfc3339.Format(value.At));
            writer.Write("organizationId");
            writer.Write(value.OrganizationId.ToString());
            writer.Write("data");
            if (value.Blocks is null)
            {
                using var data = JsonDocument.Parse(value.DataJson);
                WriteJson(ref writer, data.RootElement);
                return;
            }

            writer.WriteArrayHeader(value.Blocks.Sum(block => block.Points.Length));
            foreach (var block in value.Blocks)
            {
                var (sensorId, buildingId) = (block.SensorId.ToString(), block.BuildingId.ToString());
                foreach (var point in block.Points.Span)
                {
                    writer.WriteMapHeader(4);
                    writer.Write("sensorId");
                    writer.Write(sensorId);
                    writer.Write("buildingId");
                    writer.Write(buildingId);
                    writer.Write("at");
                    writer.Write(Rfc3339.Format(point.At));
                    writer.Write("value");
                    writer.Write(point.Value);
                }
            }
        }

        /// <summary>The same document in MessagePack; whole numbers become integers.</summary>
        private static void WriteJson(ref MessagePackWriter writer, JsonElement json)
        {
            switch (json.ValueKind)
            {
                case JsonValueKind.Object:
                    writer.WriteMapHeader(json.GetPropertyCount());
                    foreach (var member in json.EnumerateObject())
                    {
                        writer.Write(member.Name);
                        WriteJson(ref writer, member.Value);
                    }

                    break;
                case JsonValueKind.Array:
                    writer.WriteArrayHeader(json.GetArrayLength());
                    foreach (var item in json.EnumerateArray())
                    {
                        WriteJson(ref writer, item);
                    }

                    break;
                case JsonValueKind.String:
                    writer.Write(json.GetString());
                    break;
                case JsonValueKind.Number when json.TryGetInt64(out var whole):
                    writer.Write(whole);
                    break;
                case JsonValueKind.Number:
                    writer.Write(json.GetDouble());
                    break;
                case JsonValueKind.True or JsonValueKind.False:
                    writer.Write(json.GetBoolean());
                    break;
                default:
                    writer.WriteNil();
                    break;
            }
        }
    }
}
