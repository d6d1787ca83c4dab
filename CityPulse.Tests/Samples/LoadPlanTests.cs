using System.Net;
using CityPulse.Samples.Domain;
using CityPulse.Samples.Loading;
using Shouldly;

namespace CityPulse.Tests.Samples;

public sealed class LoadPlanTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_sensor_belongs_to_one_writer_and_its_readings_go_out_in_order()
    {
        int[] sizes = [950, 20, 300, 700, 5, 333];

        var plan = LoadPlan.Create(sizes.Select((size, i) => Readings($"s{i}", size)), writers: 2, batchSize: 100);

        var lanes = plan.Select(batches => batches.SelectMany(batch => batch).ToArray()).ToArray();
        lanes.Sum(lane => lane.Length).ShouldBe(sizes.Sum());
        lanes[0].Select(reading => reading.Sensor).Intersect(lanes[1].Select(reading => reading.Sensor)).ShouldBeEmpty();
        foreach (var sensor in lanes.SelectMany(lane => lane.GroupBy(reading => reading.Sensor)))
        {
            sensor.Select(reading => reading.At).ShouldBeInOrder();
        }
    }

    [Fact]
    public void Writers_share_the_work_and_no_batch_is_too_large()
    {
        var plan = LoadPlan.Create(Enumerable.Range(0, 10).Select(i => Readings($"s{i}", 500)), writers: 2, batchSize: 400);

        plan.Select(batches => batches.Sum(batch => batch.Length)).ShouldBe([2500, 2500]);
        plan.SelectMany(batches => batches).ShouldAllBe(batch => batch.Length <= 400);
    }

    [Fact]
    public void Nothing_to_load_gives_no_batch() =>
        LoadPlan.Create([], writers: 2, batchSize: 100).SelectMany(batches => batches).ShouldBeEmpty();

    [Theory]
    [InlineData(null, 1, 250)]
    [InlineData(null, 3, 1000)]
    [InlineData(HttpStatusCode.ServiceUnavailable, 40, 5000)]
    public void A_server_that_is_away_is_tried_again_less_and_less_often(HttpStatusCode? status, int attempt, int milliseconds) =>
        RetryDelay.After(status, null, attempt).ShouldBe(TimeSpan.FromMilliseconds(milliseconds));

    [Fact]
    public void A_limit_is_waited_out_as_the_server_says() =>
        RetryDelay.After(HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(310), 1).ShouldBe(TimeSpan.FromSeconds(310));

    [Theory]
    [InlineData(HttpStatusCode.OK)]
    [InlineData(HttpStatusCode.BadRequest)]
    [InlineData(HttpStatusCode.Unauthorized)]
    [InlineData(HttpStatusCode.UnprocessableEntity)]
    public void An_answer_is_an_answer(HttpStatusCode status) =>
        RetryDelay.After(status, null, 1).ShouldBeNull();

    private static SampleReading[] Readings(string sensor, int count) =>
        [.. Enumerable.Range(0, count).Select(i => new SampleReading(sensor, Start.AddHours(i), i))];
}
