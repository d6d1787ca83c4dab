using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using CityPulse.Tests.Support;
using Microsoft.Extensions.Logging;
using Shouldly;

namespace CityPulse.Tests.AiGateway;

/// <summary>One gateway and one fake Api for all tests of a class; every test is another user.</summary>
public sealed class ChatFixture(TestStores stores) : IAsyncLifetime
{
    internal TestTokens Tokens { get; } = new();

    internal FakeServer Api { get; private set; } = null!;

    internal GatewayHost Gateway { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Api = await FakeApi.StartAsync();
        Gateway = await GatewayHost.StartAsync(stores, Api.Address, Tokens);
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await Api.DisposeAsync();
        Tokens.Dispose();
    }
}

/// <summary>The gateway over HTTP, with an Api that answers by the bytes of the contract.</summary>
public sealed class ChatTests : IClassFixture<ChatFixture>, IDisposable
{
    private readonly TestStores _stores;
    private readonly TestTokens _tokens;
    private readonly FakeServer _api;
    private readonly GatewayHost _gateway;
    private readonly HttpClient _client;
    private readonly string _token;

    public ChatTests(TestStores stores, ChatFixture fixture)
    {
        _stores = stores;
        (_tokens, _api, _gateway) = (fixture.Tokens, fixture.Api, fixture.Gateway);
        _token = _tokens.Issue();
        _client = _gateway.CreateClient(_token);
    }

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task The_answer_has_the_tools_figures_their_source_and_what_was_called()
    {
        _client.DefaultRequestHeaders.Add("X-Frontend-Source", "citypulse");
        using var response = await _client.AskAsync("Which building used the most energy last month?");
        var answer = await response.ReadAsync(HttpStatusCode.OK);

        var content = answer.GetProperty("message").GetProperty("content").GetString()!;
        answer.GetProperty("message").GetProperty("role").GetString().ShouldBe("assistant");
        content.ShouldStartWith("Goethe School used the most energy");
        content.ShouldContain("987.65 kWh");
        content.ShouldContain("2. Town Hall: 12 kWh");
        content.ShouldContain("not by a language model");
        answer.GetProperty("model").GetString().ShouldBe("local/city-assistant");
        answer.GetProperty("provider").GetString().ShouldBe("local");
        answer.GetProperty("finishReason").GetString().ShouldBe("stop");
        answer.GetProperty("conversationId").GetGuid().Version.ShouldBe(7);
        answer.GetProperty("usage").GetProperty("costUsd").GetDecimal().ShouldBe(0);
        answer.GetProperty("usage").GetProperty("outputTokens").GetInt64().ShouldBeGreaterThan(0);

        var calls = answer.GetProperty("toolCalls").EnumerateArray().ToList();
        calls.Select(c => c.GetProperty("name").GetString()).ShouldBe(["list_buildings", "rank_buildings"]);
        calls[1].GetProperty("arguments").GetProperty("metric").GetString().ShouldBe("kwh");
        calls[1].GetProperty("resultSummary").GetString()!.ShouldContain("Goethe School");

        // The tools asked as the caller, for exactly the period that the answer states.
        var seen = _api.Seen.Where(r => r.Authorization == $"Bearer {_token}").ToList();
        seen.Count.ShouldBe(2);
        seen.ShouldAllBe(r => r.Frontend == "citypulse");
        var asked = seen.Single(r => r.PathAndQuery.Contains("ranking", StringComparison.Ordinal)).PathAndQuery;
        content.ShouldContain($"Source: GET {Uri.UnescapeDataString(asked)}");
        content.ShouldContain($"[{calls[1].GetProperty("arguments").GetProperty("from").GetString()}, {calls[1].GetProperty("arguments").GetProperty("to").GetString()})");
        content.ShouldContain("Europe/Berlin");
    }

    [Theory]
    [InlineData("How many buildings are there?", "There are 2 buildings.")]
    [InlineData("Wie viele Gebäude gibt es?", "Es gibt 2 Gebäude.")]
    [InlineData("List all buildings", "- Goethe School (school, 500 m²)")]
    [InlineData("How many sensors are there?", "There are 1 sensors: 1 online.")]
    [InlineData("What is the temperature in the town hall?", "Lobby: 21.5 °C (2026-11-24T10:00:00Z, online)")]
    [InlineData("How much energy did the town hall use in October?", "Town Hall: 1234.5 kWh in October")]
    [InlineData("Wie viel Energie hat Town Hall im Oktober verbraucht?", "Town Hall: 1234,5 kWh im Zeitraum Oktober")]
    [InlineData("How much energy did the town hall use in October?", "Data covers 90 % of the time.")]
    [InlineData("CO2 emissions of the town hall in October", "CO₂ unknown (The building has no carbonIntensityKgPerKwh)")]
    [InlineData("peak of the town hall in October", "peak 12.5 kW at 2026-10-03T08:15:00Z")]
    [InlineData("compare October and September", "1234.5 kWh in October")]
    [InlineData("Which building used the least energy last month?", "Town Hall used the least energy")]
    [InlineData("How much energy did the Opera use?", "I know no building called “opera”.")]
    [InlineData("What is the meaning of life?", "I did not understand that question.")]
    [InlineData("Are you a language model?", "I am not a language model")]
    [InlineData("Bist du ein Sprachmodell?", "Ich bin kein Sprachmodell")]
    [InlineData("How much did the energy cost?", "cost unknown")]
    [InlineData("What is our tariff?", "I cannot tell tariffs and prices")]
    public async Task Questions_are_answered_from_the_city(string question, string expected)
    {
        using var response = await _client.AskAsync(question);
        (await response.ReadAsync(HttpStatusCode.OK)).GetProperty("message").GetProperty("content").GetString()!.ShouldContain(expected);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_streamed_answer_is_the_same_in_pieces(bool byHeader)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/ai/chat")
        {
            Content = new StringContent(
                byHeader ? """{"message":"Which building used the most energy last month?"}""" : """{"message":"Which building used the most energy last month?","stream":true}""",
                Encoding.UTF8, "application/json"),
        };
        if (byHeader)
        {
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        }

        using var response = await _client.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        var events = await ReadEventsAsync(response);

        var log = string.Join('\n', _gateway.Log.Lines.Where(l => l.Level >= LogLevel.Warning).Select(l => $"{l.Message} {l.Exception}"));
        events.Select(e => e.Type).Distinct().ShouldBe(["tool", "delta", "done"], log);
        var done = events[^1].Data;
        string.Concat(events.Where(e => e.Type == "delta").Select(e => e.Data.GetProperty("content").GetString()))
            .ShouldBe(done.GetProperty("message").GetProperty("content").GetString());
        events.Where(e => e.Type == "tool").Select(e => e.Data.GetRawText()).ShouldBe(done.GetProperty("toolCalls").EnumerateArray().Select(c => c.GetRawText()));
        done.GetProperty("finishReason").GetString().ShouldBe("stop");
    }

    [Fact]
    public async Task A_conversation_goes_on_in_another_replica_and_is_its_owners_only()
    {
        using var first = await _client.AskAsync("How much energy did the town hall use last month?");
        var id = (await first.ReadAsync(HttpStatusCode.OK)).GetProperty("conversationId").GetGuid();

        await using var replica = await GatewayHost.StartAsync(_stores, _api.Address, _tokens, database: _gateway.Database);
        using var same = replica.CreateClient(_token);
        using var second = await same.AskAsync("and the month before?", id);
        var answer = await second.ReadAsync(HttpStatusCode.OK);
        answer.GetProperty("conversationId").GetGuid().ShouldBe(id);
        answer.GetProperty("toolCalls")[1].GetProperty("arguments").GetProperty("buildingId").GetString().ShouldBe(FakeApi.Hall);

        var list = await (await same.GetAsync("/api/v1/ai/conversations")).ReadAsync(HttpStatusCode.OK);
        list.GetProperty("items").EnumerateArray().ShouldHaveSingleItem().GetProperty("title").GetString().ShouldBe("How much energy did the town hall use last month?");
        var whole = await (await same.GetAsync($"/api/v1/ai/conversations/{id}")).ReadAsync(HttpStatusCode.OK);
        whole.GetProperty("messages").EnumerateArray().Select(m => m.GetProperty("role").GetString()).ShouldBe(["user", "assistant", "user", "assistant"]);

        using var stranger = _gateway.CreateClient();
        await (await stranger.AskAsync("and before?", id)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        await (await stranger.GetAsync($"/api/v1/ai/conversations/{id}")).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        await (await stranger.DeleteAsync($"/api/v1/ai/conversations/{id}")).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        (await (await stranger.GetAsync("/api/v1/ai/conversations")).ReadAsync(HttpStatusCode.OK)).GetProperty("items").GetArrayLength().ShouldBe(0);

        (await same.DeleteAsync($"/api/v1/ai/conversations/{id}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await (await same.GetAsync($"/api/v1/ai/conversations/{id}")).ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Conversations_are_paged()
    {
        for (var i = 0; i < 3; i++)
        {
            (await _client.AskAsync($"hello {i}")).EnsureSuccessStatusCode();
        }

        var first = await (await _client.GetAsync("/api/v1/ai/conversations?limit=2")).ReadAsync(HttpStatusCode.OK);
        first.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("title").GetString()).ShouldBe(["hello 2", "hello 1"]);
        var rest = await (await _client.GetAsync($"/api/v1/ai/conversations?limit=2&cursor={first.GetProperty("nextCursor").GetString()}")).ReadAsync(HttpStatusCode.OK);
        rest.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("title").GetString()).ShouldBe(["hello 0"]);
        rest.GetProperty("nextCursor").ValueKind.ShouldBe(JsonValueKind.Null);
        await (await _client.GetAsync("/api/v1/ai/conversations?limit=501")).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        await (await _client.GetAsync("/api/v1/ai/conversations?cursor=x")).ShouldBeProblemAsync(HttpStatusCode.BadRequest);

        // Made up of an id of the list, altered, and somebody else's.
        var cursor = first.GetProperty("nextCursor").GetString()!;
        using var stranger = _gateway.CreateClient();
        foreach (var (client, text) in new[]
        {
            (_client, first.GetProperty("items")[0].GetProperty("id").GetGuid().ToString("N")), (_client, (cursor[0] == 'A' ? 'B' : 'A') + cursor[1..]), (stranger, cursor),
        })
        {
            await (await client.GetAsync($"/api/v1/ai/conversations?cursor={text}")).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        }
    }

    [Fact]
    public async Task What_was_read_once_need_not_be_read_again()
    {
        var id = (await (await _client.AskAsync("hello")).ReadAsync(HttpStatusCode.OK)).GetProperty("conversationId").GetGuid();
        const string Usage = "/api/v1/ai/usage?from=2020-01-01T00:00:00Z&to=2060-01-01T00:00:00Z";
        foreach (var path in new[] { "/api/v1/ai/models", "/api/v1/ai/v1/models", "/api/v1/ai/conversations", $"/api/v1/ai/conversations/{id}", Usage })
        {
            using var first = await _client.GetAsync(path);
            await first.ReadAsync(HttpStatusCode.OK);
            first.Headers.ETag.ShouldNotBeNull(path);
            first.Headers.CacheControl!.ToString().ShouldBe("no-cache, private", path);
            using var again = await _client.SendAsync(new HttpRequestMessage(HttpMethod.Get, path) { Headers = { IfNoneMatch = { first.Headers.ETag! } } });
            again.StatusCode.ShouldBe(HttpStatusCode.NotModified, path);
            (await again.Content.ReadAsByteArrayAsync()).ShouldBeEmpty(path);
        }

        using var before = await _client.GetAsync("/api/v1/ai/conversations");
        (await _client.AskAsync("and again")).EnsureSuccessStatusCode();
        using var changed = await _client.SendAsync(
            new HttpRequestMessage(HttpMethod.Get, "/api/v1/ai/conversations") { Headers = { IfNoneMatch = { before.Headers.ETag! } } });
        (await changed.ReadAsync(HttpStatusCode.OK)).GetProperty("items").GetArrayLength().ShouldBe(2);
    }

    [Theory]
    [InlineData("""{"message":""}""", "message")]
    [InlineData("""{"message":"   "}""", "message")]
    [InlineData("""{}""", "message")]
    [InlineData("""{"message":"hi","model":"openai/gpt-4.1-mini"}""", "model")]
    [InlineData("""{"message":"hi","model":"nobody/nothing"}""", "model")]
    [InlineData("""{"message":"hi","mesage":"typo"}""", "mesage")]
    [InlineData("""{"message":5}""", "message")]
    [InlineData("""{"message":"hi","conversationId":"x"}""", "conversationId")]
    [InlineData("""{"message":""", null)]
    public async Task Bad_input_is_refused(string body, string? path)
    {
        using var response = await _client.PostAsync("/api/v1/ai/chat", new StringContent(body, Encoding.UTF8, "application/json"));
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        if (path is not null)
        {
            problem.Errors().Keys.ShouldContain(path);
        }
    }

    [Fact]
    public async Task A_message_has_at_most_8000_characters()
    {
        await (await _client.AskAsync(new string('x', 8001))).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        (await _client.AskAsync(new string('x', 8000))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_message_may_hold_any_character()
    {
        using var response = await _client.AskAsync("hello \0 \ud83c\udf06 \u2028");
        var id = (await response.ReadAsync(HttpStatusCode.OK)).GetProperty("conversationId").GetGuid();
        (await _client.GetAsync($"/api/v1/ai/conversations/{id}")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Nobody_comes_in_without_a_token()
    {
        using var anonymous = new HttpClient { BaseAddress = _gateway.BaseAddress };
        foreach (var path in new[] { "/api/v1/ai/models", "/api/v1/ai/conversations" })
        {
            await (await anonymous.GetAsync(path)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        }

        await (await anonymous.AskAsync("hello")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Models_tell_what_can_be_asked_for()
    {
        var models = (await (await _client.GetAsync("/api/v1/ai/models")).ReadAsync(HttpStatusCode.OK)).GetProperty("items").EnumerateArray().ToList();
        var local = models.Single(m => m.GetProperty("id").GetString() == "local/city-assistant");
        local.GetProperty("available").GetBoolean().ShouldBeTrue();
        local.GetProperty("inputPricePerMTok").GetDecimal().ShouldBe(0);
        local.GetProperty("aliases")[0].GetString().ShouldBe("local");
        models.Single(m => m.GetProperty("provider").GetString() == "openai").GetProperty("available").GetBoolean().ShouldBeFalse();
    }

    [Theory]
    [InlineData(403, """{"title":"Forbidden","status":403,"detail":"You may not see this."}""", "You may not see this.")]
    [InlineData(429, "", "too many requests")]
    public async Task What_the_api_refuses_is_said(int status, string body, string expected)
    {
        await using var api = await FakeApi.StartAsync(async (context, request) =>
        {
            if (!request.PathAndQuery.Contains("/energy", StringComparison.Ordinal))
            {
                return false;
            }

            await FakeServer.JsonAsync(context, body, status, body.Length > 0 ? "application/problem+json" : "text/plain");
            return true;
        });
        await using var gateway = await GatewayHost.StartAsync(_stores, api.Address, _tokens);
        using var client = gateway.CreateClient();
        using var response = await client.AskAsync("How much energy did we use yesterday?");
        var content = (await response.ReadAsync(HttpStatusCode.OK)).GetProperty("message").GetProperty("content").GetString()!;
        content.ShouldContain("I could not look that up.");
        content.ShouldContain(expected);
    }

    [Fact]
    public async Task Questions_stay_out_of_the_logs()
    {
        (await _client.AskAsync("How much energy did the xylophone-secret use last month?")).EnsureSuccessStatusCode();
        _gateway.Log.Lines.ShouldNotBeEmpty();
        _gateway.Log.Lines.ShouldNotContain(l => l.Message.Contains("xylophone", StringComparison.OrdinalIgnoreCase));
    }

    internal static async Task<List<(string Type, JsonElement Data)>> ReadEventsAsync(HttpResponseMessage response)
    {
        var events = new List<(string, JsonElement)>();
        await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync()).EnumerateAsync())
        {
            events.Add((item.EventType, JsonElement.Parse(item.Data)));
        }

        return events;
    }
}
