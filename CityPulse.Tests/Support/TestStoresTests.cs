using System.Net.Sockets;
using Npgsql;
using Shouldly;
using StackExchange.Redis;

namespace CityPulse.Tests.Support;

public sealed class TestStoresTests(TestStores stores)
{
    [Fact]
    public async Task Each_caller_gets_an_empty_database_of_its_own()
    {
        var first = await stores.CreateDatabaseAsync();
        var second = await stores.CreateDatabaseAsync();
        first.ShouldNotBe(second);
        await using var connection = new NpgsqlConnection(first);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var count = new NpgsqlCommand("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'", connection);
        (await count.ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe(0L);
    }

    [Fact]
    public async Task Redis_answers_the_redis_protocol()
    {
        var port = int.Parse((await stores.GetRedisAsync()).Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
        using var client = new TcpClient("127.0.0.1", port);
        var stream = client.GetStream();
        await stream.WriteAsync("PING\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        var answer = new byte[7];
        await stream.ReadExactlyAsync(answer, TestContext.Current.CancellationToken);
        answer.ShouldBe("+PONG\r\n"u8.ToArray());
    }

    [Fact]
    public async Task A_redis_that_was_given_back_is_lent_again_and_empty()
    {
        var redis = await TestStores.BorrowRedisAsync();
        await using (var client = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{redis.Port}"))
        {
            await client.GetDatabase().StringSetAsync("left", "behind");
        }

        await TestStores.GiveBackRedisAsync(redis);
        redis.IsRunning.ShouldBeTrue();
        await using (var client = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{redis.Port}"))
        {
            (await client.GetDatabase().StringGetAsync("left")).IsNull.ShouldBeTrue();
        }
    }
}
