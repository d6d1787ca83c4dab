using System.Buffers;
using CityPulse.Contracts;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Contracts;

public sealed class StreamCodecTests
{
    [Fact]
    public void A_batch_of_readings_comes_back_as_it_was()
    {
        var random = new Random(3);
        var blocks = Enumerable.Range(0, 20).Select(i => (Sensor: Guid.NewGuid(), Building: Guid.NewGuid(), Points: Enumerable.Range(0, i * 7)
            .Select(_ => new ReadingBatch.Point(random.NextInt64(-1_000_000_000_000_000, 4_000_000_000_000_000), BitConverter.Int64BitsToDouble(random.NextInt64())))
            .ToArray())).ToList();
        var buffer = new ArrayBufferWriter<byte>();
        foreach (var (sensor, building, points) in blocks)
        {
            ReadingBatch.WriteBlock(buffer, sensor, building, points);
        }

        var read = ReadingBatch.Read(buffer.WrittenSpan);
        read.Count.ShouldBe(blocks.Count);
        foreach (var (block, (sensor, building, points)) in read.Zip(blocks))
        {
            (block.SensorId, block.BuildingId).ShouldBe((sensor, building));
            block.Points.ToArray().Select(p => (p.AtMicroseconds, BitConverter.DoubleToInt64Bits(p.Value)))
                .ShouldBe(points.Select(p => (p.AtMicroseconds, BitConverter.DoubleToInt64Bits(p.Value))));
        }
    }

    [Fact]
    public void A_regular_meter_takes_about_ten_bytes_a_reading()
    {
        var points = Enumerable.Range(0, 1000).Select(i => new ReadingBatch.Point(1_767_225_600_000_000 + (i * 900_000_000L), i)).ToArray();
        var buffer = new ArrayBufferWriter<byte>();
        ReadingBatch.WriteBlock(buffer, Guid.NewGuid(), Guid.NewGuid(), points);
        buffer.WrittenCount.ShouldBeLessThan(14_000);
    }

    [Fact]
    public void A_batch_that_is_cut_is_refused_and_never_read_wrong()
    {
        var buffer = new ArrayBufferWriter<byte>();
        ReadingBatch.WriteBlock(buffer, Guid.NewGuid(), Guid.NewGuid(), [new(1, 2), new(3, 4)]);
        for (var length = 1; length < buffer.WrittenCount; length++)
        {
            Should.Throw<InvalidDataException>(() => ReadingBatch.Read(buffer.WrittenSpan[..length]));
        }

        byte[] announcesTooMuch = [.. new byte[32], 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
        Should.Throw<InvalidDataException>(() => ReadingBatch.Read(announcesTooMuch));
    }

    [Fact]
    public void A_record_comes_back_as_it_was_and_a_cut_one_is_refused()
    {
        var record = new StreamRecord(
            long.MaxValue, 7, Guid.CreateVersion7(), new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), "sensor.updated", ["buildings", "städte/ö"], "{}"u8.ToArray());
        var bytes = record.ToBytes();
        var read = StreamRecord.FromBytes(bytes);
        read.Topics.ShouldBe(record.Topics);
        read.Data.ToArray().ShouldBe(record.Data.ToArray());
        (read with { Topics = record.Topics, Data = record.Data }).ShouldBe(record);
        for (var length = 0; length < bytes.Length - 2; length++)
        {
            Should.Throw<InvalidDataException>(() => StreamRecord.FromBytes(bytes.AsMemory(0, length)));
        }
    }

    [Fact]
    public void Ids_grow_as_text_and_as_numbers()
    {
        var ids = new[] { new EventId(1, 0), new EventId(1, 1), new EventId(1, EventId.MaxIndex), new EventId(2, 0), new EventId(99_999_999_999_999, 5) };
        ids.Select(i => i.ToString()).ShouldBe(ids.Order().Select(i => i.ToString()).Order(StringComparer.Ordinal));
        foreach (var id in ids)
        {
            EventId.TryParse(id.ToString(), out var read).ShouldBeTrue();
            read.ShouldBe(id);
        }

        (ids[0] < ids[1] && ids[3] > ids[2] && ids[0] <= ids[0] && ids[4] >= ids[3]).ShouldBeTrue();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("0000000000000100000")]
    [InlineData("000000000000001000000")]
    [InlineData("0000000000000100000x")]
    [InlineData("-0000000000001000000")]
    [InlineData("٠0000000000001000000")]
    public void What_is_no_id_is_refused(string? text) => EventId.TryParse(text, out _).ShouldBeFalse();
}
