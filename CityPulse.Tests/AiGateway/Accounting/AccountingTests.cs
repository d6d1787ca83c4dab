using System.Net;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Accounting;

/// <summary>Who used what, and budgets that hold across replicas.</summary>
public sealed class AccountingTests(TestStores stores) : IAsyncLifetime
{
    private readonly TestTokens _tokens = new();
    private FakeServer _api = null!;
    private FakeServer _models = null!;

    public async ValueTask InitializeAsync()
    {
        _api = await FakeApi.StartAsync();
        _models = await FakeServer.StartAsync((context, request) => FakeModels.AnswerAsync(context, request, "openai"));
    }

    public async ValueTask DisposeAsync()
    {
        await _models.DisposeAsync();
        await _api.DisposeAsync();
        _tokens.Dispose();
    }

    [Fact]
    public async Task Everybody_sees_their_own_use_and_an_admin_the_organisations()
    {
        await using var gateway = await StartAsync();
        var organization = Guid.CreateVersion7();
        using var user = gateway.CreateClient(Token(Role.User, organization));
        using var admin = gateway.CreateClient(Token(Role.Admin, organization));
        using var stranger = gateway.CreateClient(Token(Role.Admin, Guid.CreateVersion7()));
        (await user.ChatAsync(new { message = "How many buildings are there?", model = "local" })).EnsureSuccessStatusCode();
        (await admin.ChatAsync(new { message = "Good day?", model = "priced/m" })).EnsureSuccessStatusCode();

        var own = await (await user.GetAsync("/api/v1/ai/usage")).ReadAsync(HttpStatusCode.OK);
        var item = own.GetProperty("items").EnumerateArray().ShouldHaveSingleItem();
        item.GetProperty("model").GetString().ShouldBe("local/city-assistant");
        item.GetProperty("calls").GetInt32().ShouldBe(2); // The round that asks for tools, and the one that answers.
        item.GetProperty("costUsd").GetDecimal().ShouldBe(0);
        item.GetProperty("day").GetString()!.Length.ShouldBe(10);

        var all = await (await admin.GetAsync("/api/v1/ai/usage")).ReadAsync(HttpStatusCode.OK);
        all.GetProperty("items").GetArrayLength().ShouldBe(2);
        all.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("userId").GetGuid()).Distinct().Count().ShouldBe(2);
        all.GetProperty("totals").GetProperty("costUsd").GetDecimal().ShouldBe(0.0003m);
        (await (await stranger.GetAsync("/api/v1/ai/usage")).ReadAsync(HttpStatusCode.OK)).GetProperty("items").GetArrayLength().ShouldBe(0);
        (await (await admin.GetAsync("/api/v1/ai/usage?from=2020-01-01T00:00:00Z&to=2020-01-08T00:00:00%2B01:00")).ReadAsync(HttpStatusCode.OK))
            .GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Theory]
    [InlineData("?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from")]
    [InlineData("?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from")]
    [InlineData("?from=1900-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from")]
    [InlineData("?from=yesterday", "from")]
    [InlineData("?to=2026-01-01T00:00:00", "to")]
    public async Task A_period_that_is_none_is_refused(string query, string path)
    {
        await using var gateway = await StartAsync();
        using var client = gateway.CreateClient();
        (await (await client.GetAsync("/api/v1/ai/usage" + query)).ShouldBeProblemAsync(HttpStatusCode.BadRequest)).Errors().Keys.ShouldContain(path);
    }

    [Fact]
    public async Task Accounts_cannot_be_changed_afterwards()
    {
        await using var gateway = await StartAsync();
        using var client = gateway.CreateClient();
        (await client.ChatAsync(new { message = "hello", model = "local" })).EnsureSuccessStatusCode();
        await using var source = NpgsqlDataSource.Create(gateway.Database);
        foreach (var sql in (string[])["update ai.usage set cost_usd = 0", "delete from ai.usage"])
        {
            await using var command = source.CreateCommand(sql);
            await Should.ThrowAsync<PostgresException>(() => command.ExecuteNonQueryAsync());
        }
    }

    /// <summary>A call costs 0.0003 and reserves a little more; the budget is for fifty.</summary>
    [Fact]
    public async Task Two_hundred_calls_on_two_replicas_do_not_overspend_a_budget_for_fifty()
    {
        var budget = new Dictionary<string, string?> { ["Ai:Budgets:OrganizationMonthlyUsd"] = "0.015", ["Ai:Budgets:ReservedOutputTokens"] = "30" };
        await using var first = await StartAsync(budget);
        await using var second = await StartAsync(budget, first.Database);
        var organization = Guid.CreateVersion7();
        using var one = first.CreateClient(Token(Role.Admin, organization));
        using var two = second.CreateClient(Token(Role.User, organization));
        var statuses = new List<HttpStatusCode>();
        await Parallel.ForAsync(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
        {
            using var response = await CompleteAsync(i % 2 == 0 ? one : two, i % 4 < 2 ? "priced/m" : "chain");
            lock (statuses)
            {
                statuses.Add(response.StatusCode);
            }
        });
        statuses.ShouldAllBe(s => s == HttpStatusCode.OK || s == HttpStatusCode.PaymentRequired);
        var paid = statuses.Count(s => s == HttpStatusCode.OK);
        paid.ShouldBeInRange(40, 50);

        await using var source = NpgsqlDataSource.Create(first.Database);
        await using var spent = source.CreateCommand("select spent_usd || '|' || reserved_usd::float8 from ai.spending where user_id = '00000000-0000-0000-0000-000000000000'");
        ((string)(await spent.ExecuteScalarAsync())!).ShouldBe($"{(paid * 0.0003m).ToString("0.0000", System.Globalization.CultureInfo.InvariantCulture)}|0");

        using var refused = await CompleteAsync(one, "priced/m", new string('x', 400_000 - 1));
        var problem = JsonElement.Parse((await refused.ShouldBeProblemAsync(HttpStatusCode.PaymentRequired)).ToJsonString());
        var resets = problem.GetProperty("resetsAt").GetDateTimeOffset();
        resets.Day.ShouldBe(1);
        problem.GetProperty("detail").GetString()!.ShouldContain($"{resets:yyyy-MM-dd}");
        problem.GetProperty("error").GetProperty("type").GetString().ShouldBe("insufficient_quota");

        // The built-in assistant costs nothing.
        (await CompleteAsync(one, "local")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_users_budget_is_their_own()
    {
        await using var gateway = await StartAsync(new() { ["Ai:Budgets:UserMonthlyUsd"] = "0.0005", ["Ai:Budgets:ReservedOutputTokens"] = "10" });
        var organization = Guid.CreateVersion7();
        using var one = gateway.CreateClient(Token(Role.User, organization));
        using var two = gateway.CreateClient(Token(Role.User, organization));
        (await CompleteAsync(one, "priced/m")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await CompleteAsync(one, "priced/m")).StatusCode.ShouldBe(HttpStatusCode.OK);
        await (await CompleteAsync(one, "priced/m")).ShouldBeProblemAsync(HttpStatusCode.PaymentRequired);
        (await CompleteAsync(two, "priced/m")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task What_a_dead_replica_had_set_aside_comes_back()
    {
        await using var gateway = await StartAsync(new() { ["Ai:Budgets:OrganizationMonthlyUsd"] = "0.001", ["Ai:Budgets:ReservedOutputTokens"] = "10" });
        var organization = Guid.CreateVersion7();
        using var client = gateway.CreateClient(Token(Role.User, organization));
        (await CompleteAsync(client, "priced/m")).StatusCode.ShouldBe(HttpStatusCode.OK);
        await using var source = NpgsqlDataSource.Create(gateway.Database);
        await using var leak = source.CreateCommand($"""
            insert into ai.reservations select gen_random_uuid(), organization_id, user_id, month, 0.001, now() + interval '1 hour' from ai.spending
            where organization_id = '{organization}' and user_id <> '00000000-0000-0000-0000-000000000000';
            update ai.spending set reserved_usd = reserved_usd + 0.001 where organization_id = '{organization}'
            """);
        await leak.ExecuteNonQueryAsync();
        await (await CompleteAsync(client, "priced/m")).ShouldBeProblemAsync(HttpStatusCode.PaymentRequired);
        await using var expire = source.CreateCommand("update ai.reservations set expires_at = now() - interval '1 second'");
        await expire.ExecuteNonQueryAsync();
        (await CompleteAsync(client, "priced/m")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private string Token(Role role, Guid organization) => _tokens.Issue(role, change: t => t.Claims[CityClaims.Organization] = organization.ToString());

    private static Task<HttpResponseMessage> CompleteAsync(HttpClient client, string model, string text = "Good day?") => client.PostAsync(
        "/api/v1/ai/v1/chat/completions",
        new StringContent(JsonSerializer.Serialize(new { model, messages = new[] { new { role = "user", content = text } } }), System.Text.Encoding.UTF8, "application/json"));

    private Task<GatewayHost> StartAsync(Dictionary<string, string?>? more = null, string? database = null) => GatewayHost.StartAsync(stores, _api.Address, _tokens, new(more ?? [])
    {
        ["Ai:AllowPrivateBaseUrls"] = "true",
        ["Ai:DefaultModel"] = "local",
        ["Ai:Aliases:chain"] = "away/m, priced/m",
        ["Ai:Providers:priced:ApiKey"] = "k",
        ["Ai:Providers:priced:BaseUrl"] = new Uri(_models.Address, "/v1").ToString(),
        ["Ai:Providers:priced:Models:0:Name"] = "m",
        ["Ai:Providers:priced:Models:0:InputPricePerMTok"] = "2",
        ["Ai:Providers:priced:Models:0:OutputPricePerMTok"] = "10",
        ["Ai:Providers:away:ApiKey"] = "k",
        ["Ai:Providers:away:BaseUrl"] = "http://127.0.0.1:9/v1",
        ["Ai:Providers:away:MaxRetries"] = "0",
        ["Ai:Providers:away:Models:0:Name"] = "m",
        ["Ai:Providers:away:Models:0:InputPricePerMTok"] = "2",
        ["Ai:Providers:away:Models:0:OutputPricePerMTok"] = "10",
    }, database);
}
