using System.Net;
using System.Net.Http.Headers;
using CityPulse.Api.Auth;
using CityPulse.ServiceDefaults.Revocations;
using CityPulse.Tests.AiGateway;
using CityPulse.Tests.Realtime;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Auth;

/// <summary>A session that ends in one replica of Api ends in all services.</summary>
public sealed class RevocationTests(TestStores stores)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_session_that_ended_is_refused_by_every_service_and_its_connections_are_closed(bool withRedis)
    {
        await using var redis = await TestStores.StartRedisAsync();
        var answering = new KeyValuePair<string, string?>("ConnectionStrings:redis", $"127.0.0.1:{redis.Port}");
        // Where nobody listens: then only looking finds out.
        var theirs = withRedis ? answering : new("ConnectionStrings:redis", $"127.0.0.1:{TestStores.FreePort()},connectTimeout=200");
        // Told by Redis, nobody has to wait for the next look.
        var looks = new KeyValuePair<string, string?>("Revocations:LookEvery", withRedis ? "00:00:20" : "00:00:00.200");
        var database = await stores.CreateDatabaseAsync();
        await using var api = await ApiHost.StartAsync(stores, settings: [answering, looks], database: database);
        await using var replica = await ApiHost.StartAsync(stores, settings: [theirs, looks], database: database);
        await using var realtime = await RealtimeHost.StartAsync(api.BaseAddress, api.InternalAddress, redis.Port, [looks]);
        await using var gateway = await GatewayHost.StartAsync(
            stores, api.BaseAddress, tokens: null, settings: new([theirs, looks]), internalApi: api.InternalAddress);

        using var http = api.CreateClient();
        var city = await City.RegisterAsync(http);
        using var there = replica.CreateClient();
        there.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", city.AccessToken);
        using var ai = gateway.CreateClient(city.AccessToken);
        (await StatusAsync(http, "/api/v1/citypulse/buildings")).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync(there, "/api/v1/citypulse/buildings")).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync(ai, "/api/v1/ai/models")).ShouldBe(HttpStatusCode.OK);
        await using var live = await LiveClient.ConnectAsync(realtime, city.AccessToken);
        await using var bystander = await LiveClient.ConnectAsync(realtime, (await City.RegisterAsync(api.CreateClient())).AccessToken);

        using (var logout = await http.PostAsync(new Uri("/api/v1/auth/logout", UriKind.Relative), null, Cancel))
        {
            logout.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        (await StatusAsync(http, "/api/v1/citypulse/buildings")).ShouldBe(HttpStatusCode.Unauthorized, "the replica that ended it knows at once");
        await Eventually.TrueAsync(async () => await StatusAsync(there, "/api/v1/citypulse/buildings") == HttpStatusCode.Unauthorized, "the other replica refuses");
        await Eventually.TrueAsync(async () => await StatusAsync(ai, "/api/v1/ai/models") == HttpStatusCode.Unauthorized, "the gateway refuses");
        (await live.Closed)!.Message.ShouldContain("revoked");
        (await Should.ThrowAsync<HttpRequestException>(() => LiveClient.ConnectAsync(realtime, city.AccessToken))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await bystander.SubscribeAsync(["readings"])).GetProperty("gap").GetBoolean().ShouldBeFalse();
    }

    [Fact]
    public async Task Connections_are_closed_when_nobody_can_say_any_more_which_sessions_have_ended()
    {
        await using var city = await LiveCity.StartAsync();
        var host = await city.ReplicaAsync(("Revocations:Limit", "00:00:02"), ("Revocations:LookEvery", "00:00:00.200"));
        var client = await city.ConnectAsync(host);
        city.Api.IsAway = true;
        (await client.Closed)!.Message.ShouldContain("unverified");
    }

    [Fact]
    public async Task Nothing_is_missed_that_commits_after_a_look_though_it_began_before()
    {
        await using var api = await ApiHost.StartAsync(stores);
        using var http = api.CreateClient();
        var (slow, quick) = (await City.RegisterAsync(http), await City.RegisterAsync(http));
        var log = api.Services.GetRequiredService<IRevocationSource>();
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        await using var connection = await source.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        var first = await log.ReadAsync(0, Cancel);
        await EndAsync(connection, slow.OrganizationId);
        await using (var other = await source.OpenConnectionAsync(Cancel))
        {
            await EndAsync(other, quick.OrganizationId);
        }

        var second = await log.ReadAsync(first.Next, Cancel);
        second.Ids.Count.ShouldBe(1);
        await transaction.CommitAsync(Cancel);
        (await log.ReadAsync(second.Next, Cancel)).Ids.Except(second.Ids).Count().ShouldBe(1);
    }

    [Fact]
    public async Task Whatever_ends_a_session_is_told_even_the_end_of_its_organisation()
    {
        var api = await ApiHost.SharedAsync(stores);
        using var http = api.CreateClient();
        var city = await City.RegisterAsync(http);
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        await using (var delete = source.CreateCommand($"delete from organizations where id = '{city.OrganizationId}'"))
        {
            await delete.ExecuteNonQueryAsync(Cancel);
        }

        await api.Services.GetRequiredService<RevocationNews>().TellAsync();
        (await StatusAsync(http, "/api/v1/citypulse/buildings")).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task What_was_revoked_is_told_to_the_services_only()
    {
        var api = await ApiHost.SharedAsync(stores);
        using var outside = api.CreateClient();
        (await StatusAsync(outside, "/internal/revocations?since=0")).ShouldBe(HttpStatusCode.NotFound);
        using var stranger = new HttpClient { BaseAddress = api.InternalAddress };
        (await StatusAsync(stranger, "/internal/revocations?since=0")).ShouldBe(HttpStatusCode.Unauthorized);
        using var service = api.CreateInternalClient();
        (await StatusAsync(service, "/internal/revocations?since=0")).ShouldBe(HttpStatusCode.OK);
    }

    private static async Task EndAsync(NpgsqlConnection connection, Guid organization)
    {
        await using var end = new NpgsqlCommand($"update token_families set revoked_at = now() where organization_id = '{organization}'", connection);
        (await end.ExecuteNonQueryAsync(Cancel)).ShouldBe(1);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(new Uri(path, UriKind.Relative), Cancel);
        return answer.StatusCode;
    }
}
