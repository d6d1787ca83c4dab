using CityPulse.Contracts;
using CityPulse.Realtime.Feed.Domain;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed.Domain;

public sealed class ReadingWindowTests
{
    private static readonly Guid Sensor = Guid.CreateVersion7();
    private static readonly Guid Building = Guid.CreateVersion7();

    [Fact]
    public void The_lowest_the_highest_and_the_newest_of_each_sensor_are_left_in_the_order_of_time() =>
        Thin((1, 5), (2, 9), (3, 4), (4, 1), (5, 3)).ShouldBe([(2, 9), (4, 1), (5, 3)]);

    [Fact]
    public void One_reading_can_be_several_of_them() => Thin((1, 1), (2, 2)).ShouldBe([(1, 1), (2, 2)]);

    [Fact]
    public void A_value_that_was_stored_again_counts_as_it_was_stored_last() =>
        Thin((1, 100), (2, 5), (3, 6), (1, 5.5)).ShouldBe([(2, 5), (3, 6)]);

    [Fact]
    public void Any_number_of_readings_leaves_the_same_as_looking_at_all_of_them()
    {
        var random = new Random(7);
        var readings = Enumerable.Range(0, 1_000).Select(at => (At: (long)at, Value: random.NextDouble())).ToArray();
        (long, double)[] expected = [readings.MinBy(r => r.Value), readings.MaxBy(r => r.Value), readings[^1]];
        Thin(readings).ShouldBe(expected.Order());
    }

    [Fact]
    public void Sensors_do_not_mix()
    {
        var window = new ReadingWindow();
        var other = Guid.CreateVersion7();
        window.Add([Block(Sensor, (1, 1)), Block(other, (1, 50))]);
        window.Add([Block(Sensor, (2, 2))]);
        window.Thinned().Select(b => (b.SensorId, b.BuildingId, b.Points.Length)).ShouldBe([(Sensor, Building, 2), (other, Building, 1)]);
    }

    private static List<(long, double)> Thin(params (long At, double Value)[] readings)
    {
        var window = new ReadingWindow();
        foreach (var reading in readings)
        {
            window.Add([Block(Sensor, reading)]);
        }

        return [.. window.Thinned().ShouldHaveSingleItem().Points.ToArray().Select(p => (p.AtMicroseconds, p.Value))];
    }

    private static ReadingBatch.Block Block(Guid sensor, (long At, double Value) reading) =>
        new(sensor, Building, new[] { new ReadingBatch.Point(reading.At, reading.Value) });
}
