using System.Text.Json;
using CityPulse.AiGateway.Accounting;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Models;

/// <summary>One entry of the accounts.</summary>
internal sealed record UsageRow(string Model, string Outcome, long Input, long Output, bool IsEstimated);

/// <summary>What one caller got, what their provider saw of it, and what stands in the accounts.</summary>
internal sealed record MatrixCell(int Status, string? Code, string? RetryAfter, string Text, JsonElement Answer, int Requests, IReadOnlyList<UsageRow> Accounts);

/// <summary>All cells of the matrix, asked side by side: a good part of them waits for a time limit.</summary>
public sealed class FaultMatrix(TestStores stores) : IAsyncLifetime
{
    private readonly TestTokens _tokens = new();
    private readonly Dictionary<(string Model, bool Stream), MatrixCell> _cells = [];
    private FakeServer _providers = null!;
    private FakeServer _api = null!;
    private GatewayHost _gateway = null!;

    internal NpgsqlDataSource Database { get; private set; } = null!;

    internal MatrixCell this[string model, bool stream] => _cells[(model, stream)];

    internal LedgerWriter Writer => _gateway.Services.GetRequiredService<LedgerWriter>();

    public async ValueTask InitializeAsync()
    {
        _providers = await FakeProviders.StartAsync();
        _api = await FakeApi.StartAsync();
        var settings = FakeProviders.Settings(_providers);
        settings["Ai:Budgets:OrganizationMonthlyUsd"] = "100";
        _gateway = await GatewayHost.StartAsync(stores, _api.Address, _tokens, settings);
        Database = NpgsqlDataSource.Create(_gateway.Database);
        // The first calls take long, and no limit is meant to strike them.
        await Task.WhenAll(FakeProviders.Names.SelectMany(name => new[] { false, true }.Select(stream => AskAsync($"{name}/{FakeProviders.Good}", stream))));
        var asked =
            from provider in FakeProviders.Names
            from fault in FakeProviders.Faults
            from model in new[] { $"{provider}/{fault}", $"{provider}-{fault}" }
            from stream in new[] { false, true }
            select AskAsync(model, stream);
        foreach (var (key, cell) in await Task.WhenAll(asked))
        {
            _cells[key] = cell;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await _gateway.DisposeAsync();
        await _api.DisposeAsync();
        await _providers.DisposeAsync();
        _tokens.Dispose();
    }

    private async Task<((string, bool), MatrixCell)> AskAsync(string model, bool stream)
    {
        var (user, message) = (Guid.CreateVersion7(), $"{Guid.NewGuid()}");
        using var client = _gateway.CreateClient(_tokens.Issue(change: d => d.Claims["sub"] = user.ToString()));
        using var response = await client.ChatAsync(new { message, model, stream });
        var (status, text, answer) = ((int)response.StatusCode, "", default(JsonElement));
        if (stream)
        {
            var events = await ChatTests.ReadEventsAsync(response);
            text = string.Concat(events.Where(e => e.Type == "delta").Select(e => e.Data.GetProperty("content").GetString()));
            answer = events[^1].Data;
            status = events[^1].Type == "error" ? answer.GetProperty("status").GetInt32() : status;
        }
        else
        {
            answer = JsonElement.Parse(await response.Content.ReadAsStringAsync());
            text = response.IsSuccessStatusCode ? answer.GetProperty("message").GetProperty("content").GetString()! : "";
        }

        var code = answer.TryGetProperty("code", out var said) ? said.GetString() : null;
        var retryAfter = stream && answer.TryGetProperty("retryAfterSeconds", out var seconds) ? seconds.GetRawText() : response.Headers.RetryAfter?.ToString();
        var cell = new MatrixCell(
            status, code, retryAfter, text, answer, _providers.Seen.Count(r => r.Body.Contains(message, StringComparison.Ordinal)), await AccountsAsync(user));
        return ((model, stream), cell);
    }

    private async Task<IReadOnlyList<UsageRow>> AccountsAsync(Guid user)
    {
        await using var command = Database.CreateCommand("select model, outcome, input_tokens, output_tokens, is_estimated from ai.usage where user_id = $1 order by at, id");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = user });
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<UsageRow>();
        while (await reader.ReadAsync())
        {
            rows.Add(new UsageRow(reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetBoolean(4)));
        }

        return rows;
    }
}

/// <summary>Provider by fault: what the caller gets, what is asked of the provider, and what is charged.</summary>
public sealed class FaultMatrixTests(FaultMatrix matrix) : IClassFixture<FaultMatrix>
{
    /// <summary>How a fault ends: for the caller, at the provider, and in the accounts.</summary>
    /// <param name="Requests">How often the provider is asked: only what gave nothing and cost nothing is sent again.</param>
    /// <param name="IsCharged">Whether the provider may have counted tokens, so that they are estimated.</param>
    private sealed record Ending(int Status, string Code, bool TellsWhenToRetry, int Requests, bool IsCharged);

    private static readonly Dictionary<string, Ending> Endings = new()
    {
        [FakeProviders.Timeout] = new(503, "timeout", TellsWhenToRetry: true, Requests: 1, IsCharged: true),
        [FakeProviders.SlowFirstToken] = new(503, "timeout", TellsWhenToRetry: true, Requests: 1, IsCharged: true),
        [FakeProviders.RateLimited] = new(503, "rate_limited", TellsWhenToRetry: true, Requests: 1, IsCharged: false),
        [FakeProviders.ServerError] = new(503, "server_error", TellsWhenToRetry: true, Requests: 2, IsCharged: false),
        [FakeProviders.Reset] = new(503, "cut_off", TellsWhenToRetry: true, Requests: 1, IsCharged: true),
        [FakeProviders.Malformed] = new(502, "malformed", TellsWhenToRetry: false, Requests: 1, IsCharged: true),
    };

    public static TheoryData<string, string, bool> Cells =>
    [
        .. from provider in FakeProviders.Names from fault in FakeProviders.Faults from stream in new[] { false, true } select (provider, fault, stream),
    ];

    [Theory]
    [MemberData(nameof(Cells))]
    public void A_fault_of_a_lone_model_is_told_and_counted_once(string provider, string fault, bool stream)
    {
        var (cell, ending) = (matrix[$"{provider}/{fault}", stream], Endings[fault]);
        cell.Answer.GetRawText().ShouldNotContain("inner words");
        (cell.Status, cell.Code).ShouldBe((ending.Status, ending.Code));
        cell.RetryAfter.ShouldBe(fault == FakeProviders.RateLimited ? "7" : ending.TellsWhenToRetry ? "10" : stream ? "null" : null);
        cell.Text.ShouldBe(stream && fault == FakeProviders.Reset ? "It is " : "");
        cell.Requests.ShouldBe(ending.Requests);
        cell.Accounts.Select(a => (a.Model, a.Outcome)).ShouldBe(Enumerable.Repeat(($"{provider}/{fault}", ending.Code), ending.Requests));
        cell.Accounts.ShouldAllBe(a => a.IsEstimated == ending.IsCharged && a.Input > 0 == ending.IsCharged);
        cell.Accounts.ShouldAllBe(a => a.Output > 0 == (stream && fault == FakeProviders.Reset));
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void The_next_model_of_a_chain_takes_over_unless_words_were_given(string provider, string fault, bool stream)
    {
        var (cell, ending) = (matrix[$"{provider}-{fault}", stream], Endings[fault]);
        if (stream && fault == FakeProviders.Reset)
        {
            (cell.Code, cell.Text, cell.Requests).ShouldBe(("cut_off", "It is ", 1));
            return;
        }

        (cell.Status, cell.Text, cell.Requests).ShouldBe((200, FakeProviders.Answer, ending.Requests + 1));
        cell.Answer.GetProperty("model").GetString().ShouldBe($"{provider}/good");
        var fallback = cell.Answer.GetProperty("fallbacks").EnumerateArray().ShouldHaveSingleItem();
        fallback.GetProperty("model").GetString().ShouldBe($"{provider}/{fault}");
        fallback.GetProperty("reason").GetString().ShouldBe(ending.Code);
        cell.Accounts[^1].ShouldBe(new UsageRow($"{provider}/good", "completed", FakeProviders.InputTokens, FakeProviders.OutputTokens, IsEstimated: false));
        cell.Accounts.Count.ShouldBe(ending.Requests + 1);
    }

    [Fact]
    public async Task Nothing_stays_reserved_and_what_is_spent_is_what_stands_in_the_accounts()
    {
        // What is kept for calls to come is given back by those who have had none for a while.
        matrix.Writer.Review();
        matrix.Writer.Review();
        await Eventually.TrueAsync(
            async () => (await matrix.Database.ColumnAsync("select id::text from ai.reservations")).Count == 0, "nothing is set aside any more");
        (await matrix.Database.ColumnAsync("select organization_id::text from ai.spending where reserved_usd <> 0")).ShouldBeEmpty();
        (await matrix.Database.ColumnAsync("select number::text from ai.journal_rows")).ShouldBeEmpty();
        (await matrix.Database.ColumnAsync("""
            select s.organization_id::text from ai.spending s
            where s.spent_usd <> (select sum(u.cost_usd) from ai.usage u where u.organization_id = s.organization_id)
            """)).ShouldBeEmpty();
    }
}
