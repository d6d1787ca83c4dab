using System.Text.Json;
using CityPulse.Contracts;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed;

/// <summary><c>maxPerSecond</c>: fewer events, and of each sensor the lowest, the highest and the newest value.</summary>
public sealed class PaceTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Start = LiveCity.Time("2026-11-24T00:00:00Z");
    private readonly Guid _sensor = Guid.CreateVersion7();
    private readonly Guid _building = Guid.CreateVersion7();
    private LiveCity _city = null!;

    public async ValueTask InitializeAsync() => _city = await LiveCity.StartAsync();

    public ValueTask DisposeAsync() => _city.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Many_readings_come_as_few_events_with_the_extremes_and_the_last(bool socketIo)
    {
        var host = await _city.ReplicaAsync();
        var all = await _city.ConnectAsync(host);
        await all.SubscribeAsync(["readings"]);
        Func<Task<JsonElement>> next;
        if (socketIo)
        {
            var client = await _city.ConnectSocketIoAsync(host);
            (await client.CallAsync("subscribe", new { topics = new[] { "readings" }, maxPerSecond = 2 })).GetProperty("gap").GetBoolean().ShouldBeFalse();
            next = client.NextAsync;
        }
        else
        {
            var client = await _city.ConnectAsync(host);
            (await client.SubscribePacedAsync(["readings"], 2)).GetProperty("gap").GetBoolean().ShouldBeFalse();
            next = client.NextAsync;
        }

        var random = new Random(3);
        var values = Enumerable.Range(0, 300).Select(_ => Math.Round(random.NextDouble() * 100, 3)).ToArray();
        StreamRecord last = null!;
        for (var i = 0; i < values.Length; i++)
        {
            last = await _city.StoreAsync((_sensor, _building, Start.AddSeconds(i), values[i]));
        }

        var events = new List<JsonElement>();
        do
        {
            events.Add(await next());
        }
        while (events[^1].GetProperty("id").GetString() != LiveCity.IdOf(last).ToString());

        // Whoever did not ask for it gets everything.
        (await all.IdsThroughAsync(LiveCity.IdOf(last))).Count.ShouldBe(values.Length);
        events.Count.ShouldBeLessThan(values.Length);
        events.ConvertAll(e => e.GetProperty("id").GetString()).ShouldBeInOrder();
        var told = events.SelectMany(e => e.GetProperty("data").EnumerateArray()).Select(r => r.GetProperty("value").GetDouble()).ToList();
        told.ShouldContain(values.Min());
        told.ShouldContain(values.Max());
        told[^1].ShouldBe(values[^1]);
        events.ShouldAllBe(e => e.GetProperty("data").GetArrayLength() <= 3);
    }

    [Fact]
    public async Task What_is_no_reading_goes_at_once_and_the_readings_before_it_go_first()
    {
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        await client.SubscribePacedAsync(["readings", "alerts"], 0.1);
        await _city.StoreAsync((_sensor, _building, Start, 1));
        await client.NextAsync();

        // The next readings would have to wait for ten seconds.
        await _city.StoreAsync((_sensor, _building, Start.AddSeconds(1), 2));
        var held = await _city.StoreAsync((_sensor, _building, Start.AddSeconds(2), 3));
        var alert = await _city.PublishAsync(_city.Api.Append(_city.Organization, "alert.raised", ["alerts"], "{}"u8.ToArray()));
        (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(held).ToString());
        (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(alert).ToString());

        // Nor do they wait when the pace is lifted.
        await _city.StoreAsync((_sensor, _building, Start.AddSeconds(3), 4));
        await client.SubscribePacedAsync(["readings"], 0);
        var free = await _city.StoreAsync((_sensor, _building, Start.AddSeconds(4), 5));
        (await client.IdsThroughAsync(LiveCity.IdOf(free))).Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_replay_is_thinned_out_too_and_goes_on_live()
    {
        var host = await _city.ReplicaAsync();
        var first = await _city.StoreOneAsync();
        var now = TimeProvider.System.GetUtcNow();
        StreamRecord last = null!;
        for (var i = 0; i < 100; i++)
        {
            last = await _city.PublishAsync(_city.Append(_city.Organization, [(_sensor, _building, now.AddSeconds(i), i)]));
        }

        var client = await _city.ConnectAsync(host);
        var answer = await client.SubscribePacedAsync(["readings"], 0.2, LiveCity.IdOf(first).ToString());
        string.CompareOrdinal(answer.GetProperty("lastId").GetString(), LiveCity.IdOf(last).ToString()).ShouldBeGreaterThanOrEqualTo(0);
        // The client hands the answer over at once, and events one after the other: the last may come to the test after it.
        var events = new List<JsonElement>();
        do
        {
            events.Add(await client.NextAsync());
        }
        while (events[^1].GetProperty("id").GetString() != LiveCity.IdOf(last).ToString());

        events.Count.ShouldBeLessThan(20);
        var values = events.SelectMany(e => e.GetProperty("data").EnumerateArray()).Select(r => r.GetProperty("value").GetDouble()).ToList();
        values.ShouldContain(0);
        values.ShouldContain(99);
        var live = await _city.StoreAsync((_sensor, _building, now.AddSeconds(200), 5));
        (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(live).ToString());
    }
}
