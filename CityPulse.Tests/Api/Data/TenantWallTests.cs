using CityPulse.Api.Data;
using CityPulse.ServiceDefaults.Tenancy;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Data;

/// <summary>The second wall: what the database itself keeps apart, when somebody forgets the filter.</summary>
public sealed class TenantWallTests(OwnCityApi api) : IClassFixture<OwnCityApi>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private TenantDatabase Database => api.Services.GetRequiredService<TenantDatabase>();

    [Fact]
    public async Task A_query_that_forgets_the_filter_sees_the_own_organisation_only()
    {
        var (north, south) = (await api.MemberAsync(), await api.MemberAsync());
        var (own, foreign) = (await north.AddBuildingAsync(), await south.AddBuildingAsync());
        await north.AddSensorAsync(own);
        await south.AddSensorAsync(foreign);

        await using var session = await SessionAsync(north.OrganizationId);
        foreach (var table in await WalledTablesAsync())
        {
            (await session.ReadAsync<long>($"SELECT count(*) FROM {table} WHERE organization_id <> '{north.OrganizationId}'")).ShouldBe(0, table);
        }

        (await session.ReadAsync<Guid>("SELECT id FROM buildings")).ShouldBe(own);
        (await session.ReadAsync<Guid>("SELECT id FROM organizations")).ShouldBe(north.OrganizationId);
        (await session.ReadAsync<long>($"SELECT count(*) FROM buildings WHERE id = '{foreign}'")).ShouldBe(0);
    }

    [Fact]
    public async Task Foreign_rows_can_be_neither_changed_nor_deleted_nor_added_nor_given_away()
    {
        var (north, south) = (await api.MemberAsync(), await api.MemberAsync());
        var (own, foreign) = (await north.AddBuildingAsync(), await south.AddBuildingAsync());
        var before = await api.DumpAsync(south.OrganizationId);

        await using var session = await SessionAsync(north.OrganizationId);
        (await session.RunAsync($"UPDATE buildings SET name = 'mine' WHERE id = '{foreign}'")).ShouldBe(0);
        (await session.RunAsync($"DELETE FROM buildings WHERE id = '{foreign}'")).ShouldBe(0);
        (await session.RunAsync($"UPDATE organizations SET name = 'mine' WHERE id = '{south.OrganizationId}'")).ShouldBe(0);
        await RefusedAsync(session, $"UPDATE buildings SET organization_id = '{south.OrganizationId}' WHERE id = '{own}'");
        await RefusedAsync(session, $"""
            INSERT INTO outbox (organization_id, at, type, topics, data) VALUES ('{south.OrganizationId}', now(), 'x', ARRAY[]::text[], ''::bytea)
            """);
        await RefusedAsync(session, $"""
            INSERT INTO sensor_registries VALUES ('{south.OrganizationId}', 1)
            ON CONFLICT (organization_id) DO UPDATE SET version = 0
            """);
        (await api.DumpAsync(south.OrganizationId)).ShouldBe(before);
    }

    [Fact]
    public async Task A_session_without_an_organisation_sees_nothing_and_writes_nothing()
    {
        var north = await api.MemberAsync();
        await north.AddSensorAsync(await north.AddBuildingAsync());
        await using var session = await Database.Requests.OpenConnectionAsync(Cancel);
        foreach (var table in (string[])[.. await WalledTablesAsync(), "organizations", "users"])
        {
            (await session.ReadAsync<long>($"SELECT count(*) FROM {table}")).ShouldBe(0, table);
        }

        await RefusedAsync(session, $"INSERT INTO sensor_registries VALUES ('{Guid.CreateVersion7()}', 1)");
    }

    [Theory]
    [InlineData("RESET ROLE")]
    [InlineData("SET ROLE NONE")]
    [InlineData("RESET SESSION AUTHORIZATION")]
    [InlineData("RESET ALL")]
    [InlineData("SET row_security = off")]
    public async Task Asking_for_another_role_or_for_no_security_shows_nothing_foreign(string attempt)
    {
        var (north, south) = (await api.MemberAsync(), await api.MemberAsync());
        await south.AddBuildingAsync();
        await using var session = await SessionAsync(north.OrganizationId);
        await session.RunAsync(attempt);
        try
        {
            (await session.ReadAsync<long>("SELECT count(*) FROM buildings")).ShouldBe(0);
        }
        catch (PostgresException e)
        {
            // With row_security off the query is refused, rather than answered without the wall.
            e.SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
        }
    }

    [Fact]
    public async Task Requests_cannot_become_background_work_or_the_owner()
    {
        await using var session = await Database.Requests.OpenConnectionAsync(Cancel);
        var owner = new NpgsqlConnectionStringBuilder(api.ConnectionString).Username!;
        foreach (var role in (string[])[Database.WorkLogin.Role, owner])
        {
            await RefusedAsync(session, $"SET ROLE \"{role}\"");
            await RefusedAsync(session, $"SET SESSION AUTHORIZATION \"{role}\"");
        }
    }

    [Fact]
    public async Task Neither_role_changes_tables_or_reads_the_keys_it_has_no_business_with()
    {
        foreach (var source in (NpgsqlDataSource[])[Database.Requests, Database.Work])
        {
            await using var session = await source.OpenConnectionAsync(Cancel);
            await RefusedAsync(session, "ALTER TABLE buildings DISABLE ROW LEVEL SECURITY");
            await RefusedAsync(session, "DROP POLICY own_rows ON buildings");
            await RefusedAsync(session, "CREATE TABLE smuggled (id integer)");
            await RefusedAsync(session, "TRUNCATE buildings");
            await RefusedAsync(session, "DROP TABLE readings");
        }

        await using var requests = await Database.Requests.OpenConnectionAsync(Cancel);
        await RefusedAsync(requests, "SELECT * FROM signing_keys");
        await RefusedAsync(requests, "SELECT * FROM refresh_tokens");
        await RefusedAsync(requests, "SELECT * FROM \"__EFMigrationsHistory\"");
    }

    [Fact]
    public async Task Background_work_sees_every_organisation()
    {
        var (north, south) = (await api.MemberAsync(), await api.MemberAsync());
        await north.AddBuildingAsync();
        await south.AddBuildingAsync();
        await using var session = await Database.Work.OpenConnectionAsync(Cancel);
        (await session.ReadAsync<long>($"SELECT count(*) FROM buildings WHERE organization_id IN ('{north.OrganizationId}', '{south.OrganizationId}')")).ShouldBe(2);
    }

    /// <summary>Catalog-driven: a new table is walled, or somebody has written down why it need not be.</summary>
    [Fact]
    public async Task Every_table_is_walled_or_listed_with_a_reason()
    {
        await using var owner = NpgsqlDataSource.Create(api.ConnectionString);
        (await owner.ColumnAsync("""
            SELECT c.relname::text FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
              AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped)
              AND (NOT c.relrowsecurity
                   OR (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) <> 2
                   OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'own_rows'
                       AND pg_get_expr(p.polqual, c.oid) LIKE '%organization_id =%citypulse.organization%'
                       AND pg_get_expr(p.polwithcheck, c.oid) LIKE '%organization_id =%citypulse.organization%'))
            """)).ShouldBeEmpty("these tables name their organisation and are not walled by it");

        var unlisted = await owner.ColumnAsync("""
            SELECT c.relname::text FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
              AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped)
            ORDER BY 1
            """);
        unlisted.Except(CityTables.WithoutOrganization.Select(t => t.Name))
            .ShouldBeEmpty("these tables have no organization_id: give them one, or list them in CityTables with the reason why nothing leaks");
        CityTables.WithoutOrganization.Select(t => t.Name).Except(unlisted).ShouldBeEmpty("these tables are listed and do not exist");
        CityTables.WithoutOrganization.Select(t => t.Why).ShouldAllBe(why => why.Length > 10);
    }

    /// <summary>Views and functions of the owner would work with the owner's eyes; a trigger's function can be called by nobody.</summary>
    [Fact]
    public async Task Nothing_in_the_schema_lends_its_owners_rights()
    {
        await using var owner = NpgsqlDataSource.Create(api.ConnectionString);
        (await owner.ColumnAsync("""
            SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
            UNION ALL
            SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
              AND NOT (prorettype = 'trigger'::regtype AND array_to_string(proconfig, ' ') LIKE '%search_path=%')
            UNION ALL
            SELECT c.relname::text FROM pg_class c, aclexplode(c.relacl) g
            WHERE c.relnamespace = 'public'::regnamespace AND (c.relispartition OR g.grantee = 0) AND g.grantee <> c.relowner
            """)).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_pool_never_carries_an_organisation_from_one_request_to_the_next()
    {
        await using var narrow = await NarrowAsync();
        var members = new[] { await narrow.MemberAsync(), await narrow.MemberAsync() };
        var buildings = new List<Guid>();
        foreach (var member in members)
        {
            buildings.Add(await member.AddBuildingAsync());
        }

        await Parallel.ForEachAsync(Enumerable.Range(0, 400), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancel }, async (i, _) =>
        {
            var which = i % 2;
            var items = (await members[which].ReadAsync(Member.Buildings)).GetProperty("items");
            items.EnumerateArray().Select(b => b.GetProperty("id").GetGuid()).ShouldBe([buildings[which]]);
        });

        // The very session that all of them worked in, as its next user finds it.
        await using var session = await narrow.Services.GetRequiredService<TenantDatabase>().Requests.OpenConnectionAsync(Cancel);
        (await session.ReadAsync<string>("SELECT coalesce(current_setting('citypulse.organization', true), '')")).ShouldBe("");
        (await session.ReadAsync<long>("SELECT count(*) FROM buildings")).ShouldBe(0);
    }

    [Fact]
    public async Task A_wall_that_was_broken_is_whole_after_the_next_start()
    {
        await using var owner = NpgsqlDataSource.Create(api.ConnectionString);
        await using (var session = await owner.OpenConnectionAsync(Cancel))
        {
            await session.RunAsync("ALTER TABLE sensors DISABLE ROW LEVEL SECURITY; DROP POLICY own_rows ON sensors");
            await session.RunAsync($"GRANT SELECT ON signing_keys TO \"{Database.RequestsLogin.Role}\"");
        }

        await TenantWall.BuildAsync(Database, CityTables.Schema, CityTables.WithoutOrganization, Cancel);
        await Every_table_is_walled_or_listed_with_a_reason();
        await using var requests = await Database.Requests.OpenConnectionAsync(Cancel);
        await RefusedAsync(requests, "SELECT * FROM signing_keys");
    }

    private async Task<NpgsqlConnection> SessionAsync(Guid organization)
    {
        var session = await Database.Requests.OpenConnectionAsync(Cancel);
        await session.RunAsync(TenantSetting.Statement(organization));
        return session;
    }

    private async Task<List<string>> WalledTablesAsync()
    {
        await using var owner = NpgsqlDataSource.Create(api.ConnectionString);
        var tables = await owner.ColumnAsync("""
            SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attname = 'organization_id'
            """);
        tables.Count.ShouldBeGreaterThan(5);
        return tables;
    }

    /// <summary>An Api whose requests share one session.</summary>
    private async Task<OwnCityApi> NarrowAsync()
    {
        var narrow = new OwnCityApi(api.Stores) { MaximumPoolSize = 2 };
        await narrow.InitializeAsync();
        return narrow;
    }

    private static async Task RefusedAsync(NpgsqlConnection session, string sql)
    {
        var refusal = await Should.ThrowAsync<PostgresException>(() => session.RunAsync(sql), sql);
        refusal.SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege, sql);
    }
}

internal static class WallQueries
{
    public static async Task<int> RunAsync(this NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session);
        return await command.ExecuteNonQueryAsync();
    }

    public static async Task<T> ReadAsync<T>(this NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session);
        return (T)(await command.ExecuteScalarAsync())!;
    }
}
