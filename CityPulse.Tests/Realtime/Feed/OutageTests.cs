using CityPulse.Contracts;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed;

/// <summary>What Redis, Api and restarts may do to the stream without a client noticing.</summary>
public sealed class OutageTests : IAsyncLifetime
{
    private LiveCity _city = null!;

    public async ValueTask InitializeAsync() => _city = await LiveCity.StartAsync();

    public ValueTask DisposeAsync() => _city.DisposeAsync();

    [Fact]
    public async Task Records_that_redis_lost_are_fetched_before_the_next_one_is_told()
    {
        var host = await _city.ReplicaAsync(("Realtime:LookEvery", "00:10:00"));
        var client = await _city.ConnectAsync(host);
        await client.SubscribeAsync(["readings"]);
        var records = new List<StreamRecord> { await _city.StoreOneAsync() };
        await client.NextAsync();

        records.AddRange(Enumerable.Range(0, 700).Select(_ => _city.AppendOne()));
        records.Add(await _city.StoreOneAsync());
        // Late and repeated messages change nothing.
        await _city.PublishAsync(records[5]);
        records.Add(await _city.StoreOneAsync());

        (await client.IdsThroughAsync(LiveCity.IdOf(records[^1]))).ShouldBe(Ids(records[1..]));
    }

    [Fact]
    public async Task What_redis_lost_comes_also_when_nothing_follows_it()
    {
        var host = await _city.ReplicaAsync(("Realtime:LookEvery", "00:00:00.2"), ("Realtime:LookEveryWithoutRedis", "00:00:00.1"));
        var client = await _city.ConnectAsync(host);
        await client.SubscribeAsync(["readings"]);
        var lost = _city.AppendOne();
        (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(lost).ToString());
    }

    [Fact]
    public async Task Events_go_on_while_redis_is_dead_and_after_it_is_back()
    {
        var hosts = new[] { await _city.ReplicaAsync(), await _city.ReplicaAsync() };
        var clients = new[] { await _city.ConnectAsync(hosts[0]), await _city.ConnectAsync(hosts[1], messagePack: true) };
        foreach (var client in clients)
        {
            await client.SubscribeAsync(["readings"]);
        }

        var records = new List<StreamRecord> { await _city.StoreOneAsync() };
        await _city.KillRedisAsync();
        records.AddRange(Enumerable.Range(0, 20).Select(_ => _city.AppendOne()));
        foreach (var client in clients)
        {
            (await client.IdsThroughAsync(LiveCity.IdOf(records[^1]))).ShouldBe(Ids(records));
        }

        await _city.RestartRedisAsync();
        var since = records.Count;
        for (var i = 0; i < 20; i++)
        {
            records.Add(await _city.StoreOneAsync());
        }

        foreach (var client in clients)
        {
            (await client.IdsThroughAsync(LiveCity.IdOf(records[^1]))).ShouldBe(Ids(records[since..]));
            client.ShouldHaveNothingMore();
        }
    }

    [Fact]
    public async Task A_client_resumes_on_another_replica_while_api_is_away_for_a_moment()
    {
        var (first, second) = (await _city.ReplicaAsync(), await _city.ReplicaAsync());
        var client = await _city.ConnectAsync(first);
        await client.SubscribeAsync(["readings"]);
        // The keys that tokens are judged by are known there.
        await _city.ConnectAsync(second);
        var seen = await _city.StoreOneAsync();
        await client.NextAsync();
        await client.DisposeAsync();

        _city.Api.IsAway = true;
        var missed = await _city.StoreOneAsync();
        var again = await _city.ConnectAsync(second);
        await again.SubscribeAsync(["readings"], LiveCity.IdOf(seen).ToString());
        (await again.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(missed).ToString());
        _city.Api.IsAway = false;
    }

    [Fact]
    public async Task Clients_start_anew_when_the_outbox_has_forgotten_what_this_replica_missed()
    {
        var host = await _city.ReplicaAsync(("Realtime:LookEvery", "00:10:00"));
        var client = await _city.ConnectAsync(host);
        await client.SubscribeAsync(["readings"]);
        var seen = await _city.StoreOneAsync();
        await client.NextAsync();

        _city.Api.Prune(_city.AppendOne().Position);
        var told = await _city.StoreOneAsync();
        (await client.Closed)!.Message.ShouldContain("gap");

        var again = await _city.ConnectAsync(host);
        (await again.SubscribeAsync(["readings"], LiveCity.IdOf(seen).ToString())).GetProperty("gap").GetBoolean().ShouldBeTrue();
        var next = await _city.StoreOneAsync();
        (await again.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(next).ToString());
        next.Position.ShouldBeGreaterThan(told.Position);
    }

    private static IEnumerable<string> Ids(IEnumerable<StreamRecord> records) => records.Select(r => LiveCity.IdOf(r).ToString());
}
