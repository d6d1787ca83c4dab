using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using CityPulse.Contracts;
using CityPulse.Realtime.Feed.Domain;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed.Domain;

public sealed partial class RecordEventsTests
{
    private static readonly Guid A = Guid.CreateVersion7(), B = Guid.CreateVersion7();
    private static readonly Guid A1 = Guid.CreateVersion7(), A2 = Guid.CreateVersion7(), B1 = Guid.CreateVersion7();

    [Fact]
    public void A_batch_tells_everything_then_its_buildings_then_its_sensors()
    {
        var events = RecordEvents.Of(Batch((A1, A), (B1, B), (A2, A)), _ => true);

        events.ConvertAll(e => (e.Id.Index, e.Topic, Sensors: string.Join(",", e.Blocks!.Select(b => b.SensorId)))).ShouldBe(
        [
            (0, new Topic(TopicKind.Readings), $"{A1},{B1},{A2}"),
            (1, new Topic(TopicKind.BuildingReadings, A), $"{A1},{A2}"),
            (2, new Topic(TopicKind.BuildingReadings, B), $"{B1}"),
            (3, new Topic(TopicKind.SensorReadings, A1), $"{A1}"),
            (4, new Topic(TopicKind.SensorReadings, B1), $"{B1}"),
            (5, new Topic(TopicKind.SensorReadings, A2), $"{A2}"),
        ]);
        events.ShouldAllBe(e => e.Id.Position == 7);
    }

    [Fact]
    public void What_nobody_follows_is_not_made_and_moves_no_id()
    {
        var wanted = new Topic(TopicKind.SensorReadings, B1);
        RecordEvents.Of(Batch((A1, A), (B1, B)), topic => topic == wanted).ShouldHaveSingleItem().Id.ShouldBe(new EventId(7, 4));
    }

    [Fact]
    public void Other_records_name_their_topics()
    {
        var events = RecordEvents.Of(Record("alert.raised", ["alerts", "not/known", $"buildings/{A}/alerts"], "{}"u8.ToArray()), _ => true);
        events.ConvertAll(e => (e.Id.Index, e.Topic)).ShouldBe([(0, new Topic(TopicKind.Alerts)), (2, new Topic(TopicKind.BuildingAlerts, A))]);
    }

    [Fact]
    public void A_topic_tells_the_events_that_its_contract_lists_and_no_other()
    {
        var listed = Rows().Matches(File.ReadAllText(NodeScript.Source("docs/realtime.md")).Split("\n## ").Single(part => part.StartsWith("Events", StringComparison.Ordinal)))
            .SelectMany(row => Words().Matches(row.Groups[1].Value).Select(topic => (
                Topic: topic.Groups[1].Value.Replace("{id}", $"{A}").Replace("{runId}", $"{A}"),
                Types: Words().Matches(row.Groups[2].Value).Select(type => type.Groups[1].Value).ToList())))
            .ToDictionary(row => row.Topic, row => row.Types);
        listed.Keys.Select(topic => Topic.TryParse(topic, out var parsed) ? parsed.Kind : throw new InvalidDataException(topic))
            .ShouldBe(Enum.GetValues<TopicKind>(), ignoreOrder: true);

        string[] unlisted = ["tariff.created", "tariff.updated", "tariff.deleted", "emission_factor.created", "channel.test", "alert.corrected", "energy", ""];
        foreach (var type in listed.Values.SelectMany(types => types).Distinct().Where(type => type != StreamRecord.ReadingsType).Concat(unlisted))
        {
            var told = RecordEvents.Of(Record(type, [.. listed.Keys], "{}"u8.ToArray()), _ => true);
            told.ConvertAll(e => e.Topic.ToString()).ShouldBe(listed.Where(row => row.Value.Contains(type)).Select(row => row.Key), type);
            told.ShouldAllBe(e => listed.Keys.ElementAt(e.Id.Index) == e.Topic.ToString(), "the others keep their ids");
        }
    }

    [Theory]
    [InlineData("alert.raised", "{ no json")]
    [InlineData("alert.raised", "{} {}")]
    [InlineData("readings", "short")]
    public void Broken_data_is_refused_before_it_reaches_a_client(string type, string data) =>
        Should.Throw<InvalidDataException>(() => RecordEvents.Of(Record(type, ["alerts"], Encoding.UTF8.GetBytes(data)), _ => true));

    [GeneratedRegex(@"^\| (`[a-z/{}`· A-Z]+) \| ([^|]+) \|.+\|$", RegexOptions.Multiline)]
    private static partial Regex Rows();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Words();

    private static StreamRecord Batch(params (Guid Sensor, Guid Building)[] blocks)
    {
        var data = new ArrayBufferWriter<byte>();
        foreach (var (sensor, building) in blocks)
        {
            ReadingBatch.WriteBlock(data, sensor, building, [new ReadingBatch.Point(1, 2)]);
        }

        return Record(StreamRecord.ReadingsType, [], data.WrittenMemory);
    }

    private static StreamRecord Record(string type, string[] topics, ReadOnlyMemory<byte> data) =>
        new(7, 6, Guid.Empty, DateTimeOffset.UnixEpoch, type, topics, data);
}
