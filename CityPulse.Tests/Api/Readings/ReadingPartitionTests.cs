using CityPulse.Api.Readings;
using CityPulse.ServiceDefaults.Tenancy;
using CityPulse.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Readings;

/// <summary>Months are made while others read and write.</summary>
public sealed class ReadingPartitionTests(TestStores stores) : IAsyncLifetime
{
    private const int Sessions = 8;
    private const int Months = 18;
    private static readonly DateTimeOffset First = new(2010, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private string _database = "";
    private TenantDatabase _tenants = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await ApiHost.CreateDatabaseAsync(stores);
        _tenants = TenantDatabase.Create(new TenantDatabaseOptions { ConnectionString = _database, Secret = "of these tests" }, "", NullLoggerFactory.Instance);
    }

    public ValueTask DisposeAsync() => _tenants.DisposeAsync();

    /// <summary>A session of PostgreSQL that looks for the partitions at that very moment can miss the new one for good (docs/adr/0028).</summary>
    [Fact]
    public async Task Whoever_reads_while_a_month_is_made_sees_what_comes_into_it()
    {
        var partitions = new ReadingPartitions(_tenants);
        var blind = 0;
        for (var i = 0; i < Months; i++)
        {
            var start = First.AddMonths(i);
            var sessions = await Task.WhenAll(Enumerable.Range(0, Sessions).Select(_ => OpenAsync()));
            var readers = sessions.Select(session => CountAsync(session, start.AddYears(-3), start.AddMonths(1))).ToList();
            await partitions.EnsureAsync([ReadingPartitions.MonthOf(start)], TestContext.Current.CancellationToken);
            await using (var writer = await OpenAsync())
            {
                await using var insert = new NpgsqlCommand("INSERT INTO readings (sensor_key, observed_at, value) VALUES (1, $1, 1)", writer);
                insert.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = start.UtcDateTime });
                await insert.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            }

            await Task.WhenAll(readers);
            foreach (var session in sessions)
            {
                blind += await CountAsync(session, start, start.AddMonths(1)) == 1 ? 0 : 1;
                await session.DisposeAsync();
            }
        }

        blind.ShouldBe(0);
    }

    [Fact]
    public async Task A_month_that_a_process_made_and_did_not_live_to_announce_is_announced_by_the_next()
    {
        await using var session = await OpenAsync();
        await new ReadingPartitions(_tenants).EnsureAsync([ReadingPartitions.MonthOf(First)], TestContext.Current.CancellationToken);
        var announced = await CommentAsync(session);
        announced.ShouldNotBeNull();
        await using (var fall = new NpgsqlCommand($"COMMENT ON TABLE {ReadingPartitions.NameOf(First)} IS NULL", session))
        {
            await fall.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        await new ReadingPartitions(_tenants).EnsureAsync([ReadingPartitions.MonthOf(First)], TestContext.Current.CancellationToken);

        (await CommentAsync(session)).ShouldBe(announced);
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var session = new NpgsqlConnection(_database + ";Pooling=false");
        await session.OpenAsync(TestContext.Current.CancellationToken);
        return session;
    }

    private static async Task<long> CountAsync(NpgsqlConnection session, DateTimeOffset from, DateTimeOffset to)
    {
        await using var count = new NpgsqlCommand("SELECT count(*) FROM readings WHERE sensor_key = 1 AND observed_at >= $1 AND observed_at < $2", session);
        count.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = from.UtcDateTime });
        count.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = to.UtcDateTime });
        return (long)(await count.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    private static async Task<string?> CommentAsync(NpgsqlConnection session)
    {
        await using var read = new NpgsqlCommand($"SELECT obj_description('{ReadingPartitions.NameOf(First)}'::regclass, 'pg_class')", session);
        return await read.ExecuteScalarAsync(TestContext.Current.CancellationToken) as string;
    }
}
