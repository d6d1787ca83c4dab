using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;
using Seen = CityPulse.Api.Backlog.Backlog;

namespace CityPulse.Tests.Api.Backlog;

public sealed class BacklogTests(TestStores stores)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_waits_is_counted_with_the_age_of_the_oldest()
    {
        string database;
        await using (var host = await ApiHost.StartAsync(stores))
        {
            database = host.ConnectionString;
        }

        // Nobody is at work now.
        await using var source = NpgsqlDataSource.Create(database);
        await ExecuteAsync(source, "DELETE FROM outbox; UPDATE outbox_head SET published_position = last_position");
        var nothing = await Seen.ReadAsync(source, Cancel);
        (nothing.Outbox, nothing.Rollups, nothing.Alerts, nothing.Deliveries).ShouldBe((default, default, default, default));

        await ExecuteAsync(source, """
            INSERT INTO organizations (id, name, created_at) VALUES ('00000000-0000-7000-8000-000000000001', 'x', now());
            INSERT INTO outbox (organization_id, at, type, topics, data, position)
            SELECT '00000000-0000-7000-8000-000000000001', now() - make_interval(secs => age), 'x', '{}', '', nullif(place, 0) + (SELECT last_position FROM outbox_head)
            FROM (VALUES (100, 0), (200, 1), (300, 2)) v (age, place);
            UPDATE outbox_head SET last_position = last_position + 2, published_position = last_position + 1;
            INSERT INTO rollup_dirty (sensor_key, from_at, to_at) VALUES (1, now(), now());
            INSERT INTO rollup_dirty VALUES (1, now(), now(), now() - interval '500 s');
            INSERT INTO alert_work (organization_id, building_id, queued_at) VALUES ('00000000-0000-7000-8000-000000000001', gen_random_uuid(), now() - interval '700 s');
            INSERT INTO alert_deliveries (id, organization_id, channel_id, event_id, event_type, body, created_at, give_up_at, status, attempts, next_attempt_at)
            SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000001', gen_random_uuid(), gen_random_uuid(), 'x', '', now(), now(), status, 0, now() + make_interval(secs => due)
            FROM (VALUES ('pending', -900), ('pending', 900), ('dead', -2000)) v (status, due);
            """);
        var seen = await Seen.ReadAsync(source, Cancel);
        seen.Outbox.Count.ShouldBe(2, "one has no place yet, one has and is not told");
        seen.Outbox.OldestSeconds.ShouldBeInRange(300, 390);
        seen.Rollups.Count.ShouldBe(2);
        seen.Rollups.OldestSeconds.ShouldBeInRange(500, 590);
        seen.Alerts.OldestSeconds.ShouldBeInRange(700, 790);
        seen.Deliveries.Count.ShouldBe(1);
        seen.Deliveries.OldestSeconds.ShouldBeInRange(900, 990);
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }
}
