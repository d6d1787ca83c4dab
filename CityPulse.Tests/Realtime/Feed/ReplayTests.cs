using CityPulse.Contracts;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed;

/// <summary>Resuming with <c>since</c>: everything after it in order, then live, none twice and none missing.</summary>
public sealed class ReplayTests : IAsyncLifetime
{
    private LiveCity _city = null!;

    public async ValueTask InitializeAsync() => _city = await LiveCity.StartAsync();

    public ValueTask DisposeAsync() => _city.DisposeAsync();

    [Fact]
    public async Task What_a_client_missed_comes_first_from_memory()
    {
        var host = await _city.ReplicaAsync();
        var watcher = await _city.ConnectAsync(host);
        await watcher.SubscribeAsync(["readings"]);
        var records = await StoreAsync(5);
        await watcher.NextAsync(5);
        var reads = _city.Api.StreamReads;

        var client = await _city.ConnectAsync(host);
        var answer = await client.SubscribeAsync(["readings"], LiveCity.IdOf(records[1]).ToString());
        answer.GetProperty("gap").GetBoolean().ShouldBeFalse();
        var next = await _city.StoreOneAsync();

        (await client.IdsThroughAsync(LiveCity.IdOf(next))).ShouldBe([.. Ids(records[2..]), LiveCity.IdOf(next).ToString()]);
        _city.Api.StreamReads.ShouldBe(reads);
    }

    [Fact]
    public async Task A_replica_that_has_just_started_reads_the_past_from_the_outbox()
    {
        var records = await StoreAsync(1200);
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        await client.SubscribeAsync(["readings"], LiveCity.IdOf(records[0]).ToString());
        var next = await _city.StoreOneAsync();
        (await client.IdsThroughAsync(LiveCity.IdOf(next))).ShouldBe([.. Ids(records[1..]), LiveCity.IdOf(next).ToString()]);
    }

    [Fact]
    public async Task The_answer_comes_after_the_past_and_resumes_as_any_id()
    {
        var records = await StoreAsync(3);
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        var last = (await client.SubscribeAsync(["readings"], LiveCity.IdOf(records[0]).ToString())).GetProperty("lastId").GetString()!;
        (await client.NextAsync(2)).ConvertAll(e => e.GetProperty("id").GetString()).ShouldBe(Ids(records[1..]));
        string.CompareOrdinal(last, LiveCity.IdOf(records[^1]).ToString()).ShouldBeGreaterThanOrEqualTo(0);

        var more = await StoreAsync(2);
        var again = await _city.ConnectAsync(host);
        await again.SubscribeAsync(["readings"], last);
        (await again.IdsThroughAsync(LiveCity.IdOf(more[^1]))).ShouldBe(Ids(more));
    }

    [Fact]
    public async Task Replays_that_race_with_live_events_lose_and_double_none()
    {
        // Little memory, so that replays come from both places.
        var (first, second) = (await _city.ReplicaAsync(("Realtime:HistoryBytes", "20000")), await _city.ReplicaAsync());
        var records = (await StoreAsync(100)).ToList();
        using var stop = new CancellationTokenSource();
        var traffic = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                records.Add(await _city.StoreOneAsync());
            }
        });

        var clients = new List<(LiveClient Client, int Since)>();
        for (var i = 0; i < 12; i++)
        {
            var client = await _city.ConnectAsync(i % 2 == 0 ? first : second, messagePack: i % 3 == 0);
            await client.SubscribeAsync(["readings"], LiveCity.IdOf(records[i * 8]).ToString());
            clients.Add((client, i * 8));
        }

        await stop.CancelAsync();
        await traffic;
        foreach (var (client, since) in clients)
        {
            (await client.IdsThroughAsync(LiveCity.IdOf(records[^1]))).ShouldBe(Ids(records[(since + 1)..]));
            client.ShouldHaveNothingMore();
        }
    }

    [Fact]
    public async Task A_replay_of_one_topic_keeps_the_others_whole_and_the_ids_growing()
    {
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        var since = (await client.SubscribeAsync(["alerts"])).GetProperty("lastId").GetString();
        var readings = await StoreAsync(3);
        var alert = await AlertAsync();
        (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(alert).ToString());

        await client.SubscribeAsync(["readings", "alerts"], since);
        var later = await AlertAsync();
        (await client.IdsThroughAsync(LiveCity.IdOf(later))).ShouldBe([.. Ids(readings), LiveCity.IdOf(later).ToString()]);
    }

    [Fact]
    public async Task An_id_within_a_record_gives_the_rest_of_the_record()
    {
        var host = await _city.ReplicaAsync();
        var sensor = _city.Api.Add(_city.Organization);
        var record = await _city.StoreAsync((sensor, Guid.CreateVersion7(), TimeProvider.System.GetUtcNow(), 1));
        var client = await _city.ConnectAsync(host);
        await client.SubscribeAsync(["readings", $"sensors/{sensor}/readings"], LiveCity.IdOf(record, 0).ToString());
        (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(record, 2).ToString());
    }

    [Fact]
    public async Task What_is_no_longer_kept_is_a_gap_and_the_client_is_live()
    {
        var records = await StoreAsync(5);
        _city.Api.Prune(records[2].Position);
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        (await client.SubscribeAsync(["readings"], LiveCity.IdOf(records[0]).ToString())).GetProperty("gap").GetBoolean().ShouldBeTrue();
        var next = await _city.StoreOneAsync();
        (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(next).ToString());
    }

    [Fact]
    public async Task An_id_that_was_never_given_is_a_gap()
    {
        await StoreAsync(2);
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        (await client.SubscribeAsync(["readings"], new EventId(1_000_000, 0).ToString())).GetProperty("gap").GetBoolean().ShouldBeTrue();
        var next = await _city.StoreOneAsync();
        (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(next).ToString());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(EventId.MaxIndex)]
    public async Task An_id_from_before_the_first_is_a_gap_where_events_are_gone(int index)
    {
        var records = await StoreAsync(3);
        _city.Api.Prune(records[1].Position);
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        (await client.SubscribeAsync(["readings"], new EventId(0, index).ToString())).GetProperty("gap").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    public async Task An_id_from_before_the_first_gets_all_where_none_is_gone()
    {
        var records = await StoreAsync(2);
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        (await client.SubscribeAsync(["readings"], EventId.None.ToString())).GetProperty("gap").GetBoolean().ShouldBeFalse();
        foreach (var record in records)
        {
            (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(record).ToString());
        }
    }

    [Fact]
    public async Task An_id_that_another_replica_gave_first_is_good_here()
    {
        var host = await _city.ReplicaAsync(("Realtime:LookEveryWithoutRedis", "00:01:00"));
        var told = _city.AppendOne();
        var client = await _city.ConnectAsync(host);
        (await client.SubscribeAsync(["readings"], LiveCity.IdOf(told).ToString())).GetProperty("gap").GetBoolean().ShouldBeFalse();
        await _city.PublishAsync(told);
        var next = await _city.StoreOneAsync();
        (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(next).ToString());
    }

    private async Task<StreamRecord[]> StoreAsync(int count)
    {
        var records = new StreamRecord[count];
        for (var i = 0; i < count; i++)
        {
            records[i] = await _city.StoreOneAsync();
        }

        return records;
    }

    private Task<StreamRecord> AlertAsync() => _city.PublishAsync(_city.Api.Append(_city.Organization, "alert.raised", ["alerts"], "{}"u8.ToArray()));

    private static IEnumerable<string> Ids(IEnumerable<StreamRecord> records) => records.Select(r => LiveCity.IdOf(r).ToString());
}
