using System.Net;
using CityPulse.AiGateway.Conversations;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Tenancy;
using CityPulse.Tests.Api.Data;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.AiGateway;

/// <summary>The gateway's schema, behind the same wall as the city's, and its routes with ids of others.</summary>
public sealed class ConversationWallTests(ChatFixture fixture) : IClassFixture<ChatFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private TenantDatabase Database => fixture.Gateway.Services.GetRequiredService<TenantDatabase>();

    [Fact]
    public async Task A_query_that_forgets_the_filter_sees_the_own_organisation_only()
    {
        var (north, own) = await ConversationAsync();
        var (_, foreign) = await ConversationAsync();
        await using var session = await Database.Requests.OpenConnectionAsync(Cancel);
        (await session.ReadAsync<long>("SELECT count(*) FROM ai.conversations")).ShouldBe(0);
        (await session.ReadAsync<long>("SELECT count(*) FROM ai.messages")).ShouldBe(0);

        await session.RunAsync(TenantSetting.Statement(north));
        (await session.ReadAsync<Guid>("SELECT id FROM ai.conversations")).ShouldBe(own);
        (await session.ReadAsync<long>($"SELECT count(*) FROM ai.messages WHERE conversation_id <> '{own}'")).ShouldBe(0);
        (await session.RunAsync($"DELETE FROM ai.conversations WHERE id = '{foreign}'")).ShouldBe(0);
        (await session.RunAsync($"UPDATE ai.messages SET content = 'mine' WHERE conversation_id = '{foreign}'")).ShouldBe(0);
        foreach (var sql in (string[])[
            $"INSERT INTO ai.messages (conversation_id, role, content, created_at) VALUES ('{foreign}', 'user', 'x', now())",
            $"UPDATE ai.conversations SET organization_id = '{Guid.CreateVersion7()}'", "SELECT * FROM ai.schema_versions", "DROP TABLE ai.messages"])
        {
            (await Should.ThrowAsync<PostgresException>(() => session.RunAsync(sql))).SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege, sql);
        }
    }

    [Fact]
    public async Task Every_table_is_walled_or_listed_with_a_reason()
    {
        await using var owner = NpgsqlDataSource.Create(fixture.Gateway.Database);
        (await owner.ColumnAsync("""
            SELECT c.relname::text FROM pg_class c
            WHERE c.relnamespace = 'ai'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
            """)).Except(ConversationSchema.WithoutOrganization.Select(t => t.Name)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    public async Task A_foreign_conversation_does_not_exist(string method)
    {
        var (organization, foreign) = await ConversationAsync();
        var before = await OrganizationRowsAsync(organization);

        // Somebody of another organisation, and a colleague: both are strangers to it.
        foreach (var stranger in new[] { Token(Guid.CreateVersion7()), Token(organization) })
        {
            using var client = fixture.Gateway.CreateClient(stranger);
            var details = new List<string?>();
            foreach (var id in new[] { foreign, Guid.CreateVersion7() })
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), $"/api/v1/ai/conversations/{id}");
                using var answer = await client.SendAsync(request, Cancel);
                details.Add((await answer.ReadProblemAsync(HttpStatusCode.NotFound)).GetProperty("detail").GetString());
            }

            details[0].ShouldBe(details[1]);
            using var chat = await client.AskAsync("And last week?", foreign);
            await chat.ReadProblemAsync(HttpStatusCode.NotFound);
        }

        (await OrganizationRowsAsync(organization)).ShouldBe(before);
    }

    /// <summary>A new route with an id wants a look here: who else could ask for it? Those of runs are tried in SwarmTests.</summary>
    [Fact]
    public void Every_route_with_an_id_is_known_here() =>
        fixture.Gateway.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Select(e => e.RoutePattern.RawText!).Where(route => route.Contains(":guid", StringComparison.Ordinal)).Distinct()
            .ShouldBe([
                "/api/v1/ai/conversations/{id:guid}",
                "/api/v1/swarm/runs/{id:guid}", "/api/v1/swarm/runs/{id:guid}/cancel", "/api/v1/swarm/runs/{id:guid}/events"]);

    private string Token(Guid organization) =>
        fixture.Tokens.Issue(Role.Admin, change: t => t.Claims[CityClaims.Organization] = organization.ToString());

    private async Task<(Guid Organization, Guid Conversation)> ConversationAsync()
    {
        var organization = Guid.CreateVersion7();
        using var client = fixture.Gateway.CreateClient(Token(organization));
        using var answer = await client.AskAsync("Hello");
        return (organization, (await answer.ReadAsync(HttpStatusCode.OK)).GetProperty("conversationId").GetGuid());
    }

    private async Task<string> OrganizationRowsAsync(Guid organization)
    {
        await using var owner = NpgsqlDataSource.Create(fixture.Gateway.Database);
        return string.Join('\n', await owner.ColumnAsync($"""
            SELECT c::text || coalesce(m::text, '') FROM ai.conversations c LEFT JOIN ai.messages m ON m.conversation_id = c.id
            WHERE c.organization_id = '{organization}' ORDER BY 1
            """));
    }
}
