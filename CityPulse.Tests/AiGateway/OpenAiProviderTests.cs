using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Http;
using Shouldly;

namespace CityPulse.Tests.AiGateway;

/// <summary>The OpenAI-compatible provider on the wire, against a server that speaks that protocol.</summary>
public sealed class OpenAiProviderTests(TestStores stores) : IAsyncLifetime
{
    private readonly TestTokens _tokens = new();
    private FakeServer _api = null!;

    public async ValueTask InitializeAsync() => _api = await FakeApi.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        _tokens.Dispose();
    }

    private Task<GatewayHost> StartAsync(FakeServer provider, Dictionary<string, string?>? more = null) => GatewayHost.StartAsync(stores, _api.Address, _tokens, new(more ?? [])
    {
        ["Ai:Providers:OpenAi:ApiKey"] = "sk-very-secret",
        ["Ai:AllowPrivateBaseUrls"] = "true",
        ["Ai:Providers:OpenAi:BaseUrl"] = new Uri(provider.Address, "/v1").ToString(),
        ["Ai:Providers:OpenAi:Model"] = "some-model",
        ["Ai:Providers:OpenAi:InputPricePerMTok"] = "2",
        ["Ai:Providers:OpenAi:OutputPricePerMTok"] = "10",
    });

    [Fact]
    public async Task Tools_are_called_with_the_callers_token_and_the_answer_is_the_models()
    {
        await using var provider = await FakeServer.StartAsync((context, request) => FakeServer.JsonAsync(
            context, Messages(request).Any(m => m.GetProperty("role").GetString() == "tool") ? TextAnswer("It is 1234.5 kWh.") : ToolAnswer));
        await using var gateway = await StartAsync(provider);
        var token = _tokens.Issue();
        using var client = gateway.CreateClient(token);
        using var response = await client.AskAsync("How much energy in October?");
        var answer = await response.ReadAsync(HttpStatusCode.OK);

        answer.GetProperty("message").GetProperty("content").GetString().ShouldBe("It is 1234.5 kWh.");
        answer.GetProperty("model").GetString().ShouldBe("openai/some-model");
        var call = answer.GetProperty("toolCalls").EnumerateArray().ShouldHaveSingleItem();
        call.GetProperty("name").GetString().ShouldBe("get_energy");
        call.GetProperty("resultSummary").GetString().ShouldBe("1234.5 kWh, coverage 0.9");
        var usage = answer.GetProperty("usage");
        usage.GetProperty("inputTokens").GetInt32().ShouldBe(200);
        usage.GetProperty("outputTokens").GetInt32().ShouldBe(20);
        usage.GetProperty("costUsd").GetDecimal().ShouldBe(0.0006m);
        answer.GetProperty("finishReason").GetString().ShouldBe("stop");

        var citation = answer.GetProperty("citations").EnumerateArray().ShouldHaveSingleItem();
        citation.GetProperty("tool").GetString().ShouldBe("get_energy");
        citation.GetProperty("arguments").GetRawText().ShouldBe(call.GetProperty("arguments").GetRawText());
        citation.GetProperty("url").GetString().ShouldBe("/api/v1/citypulse/energy?from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:00Z&resolution=1mo");
        answer.GetProperty("unverifiedNumbers").GetArrayLength().ShouldBe(0);

        provider.Seen.Count.ShouldBe(2);
        provider.Seen.ShouldAllBe(r => r.PathAndQuery == "/v1/chat/completions" && r.Authorization == "Bearer sk-very-secret");
        var first = JsonElement.Parse(provider.Seen[0].Body);
        first.GetProperty("model").GetString().ShouldBe("some-model");
        var tools = first.GetProperty("tools").EnumerateArray().Select(t => t.GetProperty("function")).ToList();
        tools.Select(t => t.GetProperty("name").GetString()).ShouldBe([
            "list_buildings", "list_sensors", "get_energy", "rank_buildings", "compare_energy", "get_readings", "get_latest", "find_anomalies", "get_data_quality", "get_forecast", "list_alerts"]);
        tools[2].GetProperty("parameters").GetProperty("required").EnumerateArray().Select(r => r.GetString()).ShouldBe(["from", "to"]);
        Messages(provider.Seen[1])[^1].GetProperty("content").GetString()!.ShouldContain("1234.5");
        _api.Seen.ShouldHaveSingleItem().Authorization.ShouldBe($"Bearer {token}");
        gateway.Log.Lines.ShouldNotContain(l => l.Message.Contains("sk-very-secret", StringComparison.Ordinal) || l.Message.Contains("in October?", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_number_that_no_tool_gave_is_marked_and_stays_so()
    {
        await using var provider = await FakeServer.StartAsync((context, request) => FakeServer.JsonAsync(
            context, Messages(request).Any(m => m.GetProperty("role").GetString() == "tool") ? TextAnswer("It is 1234.5 kWh, and 999 more in the cellar.") : ToolAnswer));
        await using var gateway = await StartAsync(provider);
        using var client = gateway.CreateClient();
        using var response = await client.AskAsync("How much energy in October?");
        var answer = await response.ReadAsync(HttpStatusCode.OK);
        answer.GetProperty("unverifiedNumbers").EnumerateArray().Select(n => n.GetDouble()).ShouldBe([999]);

        var kept = await (await client.GetAsync($"/api/v1/ai/conversations/{answer.GetProperty("conversationId").GetString()}")).ReadAsync(HttpStatusCode.OK);
        var message = kept.GetProperty("messages")[1];
        message.GetProperty("unverifiedNumbers").GetRawText().ShouldBe("[999]");
        message.GetProperty("citations")[0].GetProperty("url").GetString().ShouldBe(answer.GetProperty("citations")[0].GetProperty("url").GetString());
    }

    [Fact]
    public async Task A_stream_arrives_piece_by_piece_with_its_tools()
    {
        await using var provider = await FakeServer.StartAsync(async (context, request) =>
        {
            string[] chunks = Messages(request).Any(m => m.GetProperty("role").GetString() == "tool")
                ? [Chunk("""{"role":"assistant","content":"It is "}"""), Chunk("""{"content":"1234.5 kWh."}"""), Chunk("{}", "\"stop\""), UsageChunk]
                :
                [
                    Chunk("""{"role":"assistant","tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"get_energy","arguments":""}}]}"""),
                    Chunk("""{"tool_calls":[{"index":0,"function":{"arguments":"{\"from\":\"2026-10-01T00:00:00Z\","}}]}"""),
                    Chunk("""{"tool_calls":[{"index":0,"function":{"arguments":"\"to\":\"2026-11-01T00:00:00Z\"}"}}]}"""),
                    Chunk("{}", "\"tool_calls\""), UsageChunk,
                ];
            context.Response.ContentType = "text/event-stream";
            foreach (var chunk in chunks.Append("[DONE]"))
            {
                await context.Response.WriteAsync($"data: {chunk}\n\n");
                await context.Response.Body.FlushAsync();
            }
        });
        await using var gateway = await StartAsync(provider);
        using var client = gateway.CreateClient();
        using var response = await client.ChatAsync(new { message = "How much?", stream = true });
        var events = await ChatTests.ReadEventsAsync(response);

        events.Select(e => e.Type).ShouldBe(["tool", "delta", "delta", "done"]);
        events[1].Data.GetProperty("content").GetString().ShouldBe("It is ");
        var done = events[^1].Data;
        done.GetProperty("message").GetProperty("content").GetString().ShouldBe("It is 1234.5 kWh.");
        done.GetProperty("usage").GetProperty("inputTokens").GetInt32().ShouldBe(200);
        JsonElement.Parse(provider.Seen[0].Body).GetProperty("stream").GetBoolean().ShouldBeTrue();
    }

    [Theory]
    [InlineData(401, 502, null)]
    [InlineData(400, 502, null)]
    [InlineData(404, 502, null)]
    [InlineData(429, 503, "7")]
    [InlineData(500, 503, "7")]
    [InlineData(503, 503, "7")]
    public async Task The_providers_errors_are_told_without_its_words(int status, int expected, string? retryAfter)
    {
        await using var provider = await FakeServer.StartAsync((context, _) =>
        {
            context.Response.Headers.RetryAfter = "7";
            return FakeServer.JsonAsync(context, """{"error":{"message":"inner words sk-very-secret","type":"x","code":"y"}}""", status);
        });
        await using var gateway = await StartAsync(provider);
        using var client = gateway.CreateClient();
        using var response = await client.AskAsync("hello");
        var problem = await response.ShouldBeProblemAsync((HttpStatusCode)expected);
        problem.ToJsonString().ShouldNotContain("inner words");
        response.Headers.RetryAfter?.ToString().ShouldBe(retryAfter);
        provider.Seen.Count.ShouldBe(1); // A paid request is not sent again behind the caller's back.

        using var streamed = await client.ChatAsync(new { message = "hello", stream = true });
        var failed = (await ChatTests.ReadEventsAsync(streamed)).ShouldHaveSingleItem();
        failed.Type.ShouldBe("error");
        failed.Data.GetProperty("status").GetInt32().ShouldBe(expected);
        failed.Data.GetProperty("errorId").GetString().ShouldNotBeNullOrEmpty();
        failed.Data.GetRawText().ShouldNotContain("inner words");
        gateway.Log.Lines.ShouldNotContain(l => l.Message.Contains("inner words", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_answer_that_is_no_JSON_is_a_bad_gateway()
    {
        await using var provider = await FakeServer.StartAsync((context, _) => FakeServer.JsonAsync(context, "<html>", 200));
        await using var gateway = await StartAsync(provider);
        using var client = gateway.CreateClient();
        await (await client.AskAsync("hello")).ShouldBeProblemAsync(HttpStatusCode.BadGateway);
    }

    [Fact]
    public async Task A_provider_that_is_away_is_503()
    {
        var provider = await FakeServer.StartAsync((context, _) => FakeServer.JsonAsync(context, "{}"));
        await using var gateway = await StartAsync(provider);
        await provider.DisposeAsync();
        using var client = gateway.CreateClient();
        using var response = await client.AskAsync("hello");
        await response.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable);
        response.Headers.RetryAfter.ShouldNotBeNull();

        using var local = await client.ChatAsync(new { message = "hello", model = "local" });
        (await local.ReadAsync(HttpStatusCode.OK)).GetProperty("provider").GetString().ShouldBe("local");
    }

    [Fact]
    public async Task A_caller_who_leaves_ends_the_providers_work()
    {
        var left = new TaskCompletionSource();
        var entered = new TaskCompletionSource();
        await using var provider = await FakeServer.StartAsync(async (context, _) =>
        {
            context.RequestAborted.Register(() => left.TrySetResult());
            entered.TrySetResult();
            await left.Task.WaitAsync(TimeSpan.FromSeconds(30));
        });
        await using var gateway = await StartAsync(provider);
        using var client = gateway.CreateClient();
        using var leave = new CancellationTokenSource();
        var asking = client.PostAsync("/api/v1/ai/chat", new StringContent("""{"message":"hello"}""", System.Text.Encoding.UTF8, "application/json"), leave.Token);
        await entered.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await leave.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(asking);
        await left.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_model_that_never_stops_calling_tools_is_stopped()
    {
        await using var provider = await FakeServer.StartAsync((context, _) => FakeServer.JsonAsync(context, ToolAnswer));
        await using var gateway = await StartAsync(provider, new() { ["Ai:MaxToolRounds"] = "3" });
        using var client = gateway.CreateClient();
        (await client.AskAsync("How much?")).StatusCode.ShouldBe(HttpStatusCode.OK);
        provider.Seen.Count.ShouldBeInRange(3, 4);
    }

    [Theory]
    [InlineData("Ai:Providers:OpenAi:BaseUrl", "not an address")]
    [InlineData("Ai:DefaultModel", "openai/other")]
    [InlineData("Ai:Aliases:fast", "openai/other")]
    [InlineData("Ai:MaxToolRounds", "0")]
    public async Task A_bad_setting_stops_the_boot_with_its_name(string key, string value)
    {
        var fault = await Should.ThrowAsync<Exception>(GatewayHost.StartAsync(stores, _api.Address, _tokens, new() { [key] = value }));
        fault.ToString().ShouldContain(key);
    }

    private static List<JsonElement> Messages(SeenRequest request) => [.. JsonElement.Parse(request.Body).GetProperty("messages").EnumerateArray()];

    private const string Usage = """{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}""";

    private const string ToolAnswer = $$"""
        {"id":"r1","object":"chat.completion","created":1700000000,"model":"some-model","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":null,
          "tool_calls":[{"id":"c1","type":"function","function":{"name":"get_energy","arguments":"{\"from\":\"2026-10-01T00:00:00Z\",\"to\":\"2026-11-01T00:00:00Z\"}"} }]} }],"usage":{{Usage}} }
        """;

    private const string UsageChunk = $$"""{"id":"r1","object":"chat.completion.chunk","created":1700000000,"model":"some-model","choices":[],"usage":{{Usage}} }""";

    private static string TextAnswer(string text) => $$"""
        {"id":"r2","object":"chat.completion","created":1700000000,"model":"some-model","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"{{text}}"} }],"usage":{{Usage}} }
        """;

    private static string Chunk(string delta, string finish = "null") =>
        $$"""{"id":"r1","object":"chat.completion.chunk","created":1700000000,"model":"some-model","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finish}}}]}""";
}
