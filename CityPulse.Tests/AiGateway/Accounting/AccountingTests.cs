using System.Net;
using System.Text;
using System.Text.Json;
using CityPulse.AiGateway.Accounting.Domain;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Accounting;

/// <summary>Two replicas with one database, and a month's budget for fifty answers of the good model.</summary>
public sealed class BudgetedReplicas(TestStores stores) : IAsyncLifetime
{
    public const int Affordable = 50;

    /// <summary>Ten tokens, the only ones that cost.</summary>
    public const decimal AnswerUsd = FakeProviders.OutputTokens * 10 / 1_000_000m;

    private FakeServer _api = null!;

    internal FakeServer Providers { get; private set; } = null!;

    internal TestTokens Tokens { get; } = new();

    internal IReadOnlyList<GatewayHost> Replicas { get; private set; } = [];

    internal NpgsqlDataSource Database { get; private set; } = null!;

    internal Guid Poor { get; } = Guid.CreateVersion7();

    internal Guid Rich { get; } = Guid.CreateVersion7();

    public async ValueTask InitializeAsync()
    {
        Providers = await FakeProviders.StartAsync();
        _api = await FakeApi.StartAsync();
        var settings = FakeProviders.Settings(Providers);
        foreach (var key in settings.Keys.Where(k => k.EndsWith(":InputPricePerMTok", StringComparison.Ordinal)).ToList())
        {
            settings[key] = "0";
        }

        foreach (var name in FakeProviders.Names)
        {
            settings[$"Ai:Providers:{name}:MaxRetries"] = "0";
        }

        settings["Ai:Budgets:OrganizationMonthlyUsd"] = (Affordable * AnswerUsd).ToString(System.Globalization.CultureInfo.InvariantCulture);
        settings[$"Ai:Budgets:Organizations:{Poor}"] = "0.00012";
        settings[$"Ai:Budgets:Organizations:{Rich}"] = "100";
        var first = await GatewayHost.StartAsync(stores, _api.Address, Tokens, settings);
        Replicas = [first, await GatewayHost.StartAsync(stores, _api.Address, Tokens, settings, first.Database)];
        Database = NpgsqlDataSource.Create(first.Database);
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        foreach (var replica in Replicas)
        {
            await replica.DisposeAsync();
        }

        await _api.DisposeAsync();
        await Providers.DisposeAsync();
        Tokens.Dispose();
    }

    internal string Issue(Guid organization, Guid? user = null, Role role = Role.User) => Tokens.Issue(role, change: d =>
    {
        d.Claims[CityClaims.Organization] = organization.ToString();
        d.Claims[CityClaims.Subject] = (user ?? Guid.CreateVersion7()).ToString();
    });
}

/// <summary>Budgets and accounts, over HTTP.</summary>
public sealed class AccountingTests(BudgetedReplicas fixture) : IClassFixture<BudgetedReplicas>
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(10)]
    public async Task Two_hundred_calls_at_once_on_two_replicas_with_fallbacks_spend_what_there_is_and_no_more(int failing)
    {
        var organization = Guid.CreateVersion7();
        var clients = fixture.Replicas.Select(r => r.CreateClient(fixture.Issue(organization))).ToList();
        // Every second, third or tenth call begins with a model that fails, whose money has to come back while others' is spent.
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i =>
            CompleteAsync(clients[i % 2], i / 2 % failing > 0 ? "openai/good" : "groq-server-error")));
        answers.ShouldAllBe(a => a == HttpStatusCode.OK || a == HttpStatusCode.PaymentRequired);
        var paid = answers.Count(a => a == HttpStatusCode.OK);
        paid.ShouldBeInRange(1, BudgetedReplicas.Affordable);

        // Calls that were refused while others had money set aside may come again.
        while (await CompleteAsync(clients[paid % 2], "openai/good") == HttpStatusCode.OK)
        {
            paid++;
        }

        paid.ShouldBe(BudgetedReplicas.Affordable);
        await Eventually.TrueAsync(
            async () => await ReadAsync($"select spent_usd from ai.spending where organization_id = '{organization}' and user_id = '{Guid.Empty}'")
                == BudgetedReplicas.Affordable * BudgetedReplicas.AnswerUsd, "all calls are posted");
        (await ReadAsync($"select reserved_usd from ai.spending where organization_id = '{organization}' and user_id = '{Guid.Empty}'")).ShouldBe(0);
        (await ReadAsync($"select sum(cost_usd) from ai.usage where organization_id = '{organization}'")).ShouldBe(BudgetedReplicas.Affordable * BudgetedReplicas.AnswerUsd);
        clients.ForEach(c => c.Dispose());
    }

    [Fact]
    public async Task Without_money_every_way_in_says_402_and_when_there_is_new()
    {
        using var client = fixture.Replicas[0].CreateClient(fixture.Issue(fixture.Poor));
        var now = TimeProvider.System.GetUtcNow();
        var resets = new[] { now, now.AddMinutes(5) }.Select(BudgetMonth.End).ToList();

        using var asked = await client.ChatAsync(new { message = "hello", model = "openai/good" });
        var problem = await asked.ShouldBeProblemAsync(HttpStatusCode.PaymentRequired);
        problem["code"]!.GetValue<string>().ShouldBe("budget_exhausted");
        DateTimeOffset.Parse(problem["resetsAt"]!.GetValue<string>(), System.Globalization.CultureInfo.InvariantCulture).ShouldBeOneOf([.. resets]);

        using var streamed = await client.ChatAsync(new { message = "hello", model = "anthropic/good", stream = true });
        var failed = (await ChatTests.ReadEventsAsync(streamed)).ShouldHaveSingleItem();
        (failed.Type, failed.Data.GetProperty("status").GetInt32()).ShouldBe(("error", 402));
        failed.Data.GetProperty("resetsAt").GetDateTimeOffset().ShouldBeOneOf([.. resets]);

        using var completed = await client.PostAsync("/api/v1/ai/v1/chat/completions", Completion("openai/good", maxTokens: 1000));
        var refusal = JsonElement.Parse((await completed.ShouldBeProblemAsync(HttpStatusCode.PaymentRequired)).ToJsonString());
        refusal.GetProperty("error").GetProperty("type").GetString().ShouldBe("insufficient_quota");
        refusal.GetProperty("error").GetProperty("message").GetString()!.ShouldContain("budget");

        // What costs nothing needs no money.
        using var local = await client.ChatAsync(new { message = "How many buildings are there?", model = "local" });
        local.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Money_runs_out_between_the_models_of_a_chain_too()
    {
        // Enough for one answer: the failing model's money comes back and pays for the next, and then there is too little.
        using var client = fixture.Replicas[0].CreateClient(fixture.Issue(fixture.Poor));
        (await CompleteAsync(client, "groq-server-error")).ShouldBe(HttpStatusCode.OK);
        (await CompleteAsync(client, "groq-server-error")).ShouldBe(HttpStatusCode.PaymentRequired);
    }

    [Fact]
    public async Task Usage_is_ones_own_and_for_admins_everybodys()
    {
        var (organization, ada, bob) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        using var first = fixture.Replicas[0].CreateClient(fixture.Issue(organization, ada));
        using var second = fixture.Replicas[1].CreateClient(fixture.Issue(organization, bob));
        using var admin = fixture.Replicas[1].CreateClient(fixture.Issue(organization, role: Role.Admin));
        using var stranger = fixture.Replicas[1].CreateClient(fixture.Issue(Guid.CreateVersion7(), role: Role.Admin));
        (await CompleteAsync(first, "openai/good")).ShouldBe(HttpStatusCode.OK);
        (await CompleteAsync(first, "openai/good")).ShouldBe(HttpStatusCode.OK);
        (await CompleteAsync(second, "anthropic/good")).ShouldBe(HttpStatusCode.OK);

        var own = await (await first.GetAsync("/api/v1/ai/usage")).ReadAsync(HttpStatusCode.OK);
        var item = own.GetProperty("items").EnumerateArray().ShouldHaveSingleItem();
        (item.GetProperty("model").GetString(), item.GetProperty("userId").GetGuid(), item.GetProperty("calls").GetInt64()).ShouldBe(("openai/good", ada, 2));
        item.GetProperty("inputTokens").GetInt64().ShouldBe(2 * FakeProviders.InputTokens);
        item.GetProperty("costUsd").GetDecimal().ShouldBe(2 * BudgetedReplicas.AnswerUsd);

        var all = await (await admin.GetAsync("/api/v1/ai/usage")).ReadAsync(HttpStatusCode.OK);
        all.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("userId").GetGuid()).ShouldBe([ada, bob], ignoreOrder: true);
        all.GetProperty("totals").GetProperty("outputTokens").GetInt64().ShouldBe(3 * FakeProviders.OutputTokens);
        all.GetProperty("totals").GetProperty("costUsd").GetDecimal().ShouldBe(3 * BudgetedReplicas.AnswerUsd);
        (await (await stranger.GetAsync("/api/v1/ai/usage")).ReadAsync(HttpStatusCode.OK)).GetProperty("items").GetArrayLength().ShouldBe(0);
        (await (await admin.GetAsync("/api/v1/ai/usage?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z")).ReadAsync(HttpStatusCode.OK))
            .GetProperty("totals").GetProperty("calls").GetInt64().ShouldBe(0);
        await (await admin.GetAsync("/api/v1/ai/usage?from=2020-02-01T00:00:00Z&to=2020-01-01T00:00:00Z")).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        await (await admin.GetAsync("/api/v1/ai/usage?from=yesterday")).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_budget_limits_the_answer_to_what_was_set_aside_for_it()
    {
        using var client = fixture.Replicas[0].CreateClient(fixture.Issue(fixture.Rich));
        using var response = await client.ChatAsync(new { message = $"limit {fixture.Rich}", model = "openai/good" });
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var sent = fixture.Providers.Seen.Single(r => r.Body.Contains($"limit {fixture.Rich}", StringComparison.Ordinal));
        JsonElement.Parse(sent.Body).GetProperty("max_completion_tokens").GetInt32().ShouldBe(2000);
    }

    private static async Task<HttpStatusCode> CompleteAsync(HttpClient client, string model, int maxTokens = FakeProviders.OutputTokens)
    {
        using var response = await client.PostAsync("/api/v1/ai/v1/chat/completions", Completion(model, maxTokens));
        return response.StatusCode;
    }

    private static StringContent Completion(string model, int maxTokens) =>
        new($$"""{"model":"{{model}}","max_tokens":{{maxTokens}},"messages":[{"role":"user","content":"hello"}]}""", Encoding.UTF8, "application/json");

    private async Task<decimal> ReadAsync(string sql)
    {
        await using var command = fixture.Database.CreateCommand(sql);
        return (decimal)(await command.ExecuteScalarAsync())!;
    }
}
