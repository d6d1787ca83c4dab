using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Models;

/// <summary>Each provider's protocol × each way to fail: what the caller gets alone and along a chain, and what the accounts say.</summary>
public sealed class FaultMatrixTests(TestStores stores) : IAsyncLifetime
{
    private readonly TestTokens _tokens = new();
    private FakeServer _api = null!;

    public async ValueTask InitializeAsync() => _api = await FakeApi.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        _tokens.Dispose();
    }

    public static TheoryData<string, string, bool, int, string, int> Faults()
    {
        var rows = new TheoryData<string, string, bool, int, string, int>();
        foreach (var type in (string[])["openai", "anthropic"])
        {
            foreach (var stream in (bool[])[false, true])
            {
                rows.Add(type, "429", stream, 503, "rate_limited", 1); // It wants a longer pause than is granted.
                rows.Add(type, "500", stream, 503, "server_error", 2);
                rows.Add(type, "400", stream, 502, "request_refused", 1);
                rows.Add(type, "malformed", stream, 502, "malformed", 1);
                rows.Add(type, "reset", stream, 503, "unreachable", 2);
                rows.Add(type, "slow", stream, 503, "timeout", 1);
            }
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_provider_that_gives_nothing(string type, string fault, bool stream, int status, string reason, int calls)
    {
        var release = new TaskCompletionSource();
        await using var bad = await FakeServer.StartAsync((context, request) => FailAsync(context, fault, release.Task));
        await using var good = await FakeServer.StartAsync((context, request) => FakeModels.AnswerAsync(context, request, type));
        await using var gateway = await StartAsync(bad, good, type);
        using var client = gateway.CreateClient();

        using var alone = await CompleteAsync(client, "bad/m", stream);
        var problem = JsonElement.Parse((await alone.ShouldBeProblemAsync((HttpStatusCode)status)).ToJsonString());
        problem.GetProperty("error").GetProperty("code").GetString().ShouldBe(reason);
        (alone.Headers.RetryAfter is not null).ShouldBe(status == 503);
        problem.GetRawText().ShouldNotContain("inner words");
        bad.Seen.Count.ShouldBe(calls);

        using var chained = await CompleteAsync(client, "chain", stream);
        chained.StatusCode.ShouldBe(HttpStatusCode.OK);
        var text = await chained.Content.ReadAsStringAsync();
        text.ShouldContain("Good day.");
        text.ShouldContain("\"good/m\"");
        if (!stream)
        {
            JsonElement.Parse(text).GetProperty("fallbacks")[0].GetProperty("reason").GetString().ShouldBe(reason);
        }

        good.Seen.Count.ShouldBe(1);
        release.TrySetResult();

        var usage = await (await client.GetAsync("/api/v1/ai/usage")).ReadAsync(HttpStatusCode.OK);
        var items = usage.GetProperty("items").EnumerateArray().ToDictionary(i => i.GetProperty("model").GetString()!);
        items["bad/m"].GetProperty("calls").GetInt32().ShouldBe(2 * calls);
        items["bad/m"].GetProperty("outputTokens").GetInt64().ShouldBe(0);
        items["good/m"].GetProperty("calls").GetInt32().ShouldBe(1);
        items["good/m"].GetProperty("inputTokens").GetInt64().ShouldBe(FakeModels.InputTokens);
        items["good/m"].GetProperty("outputTokens").GetInt64().ShouldBe(FakeModels.OutputTokens);
        items["good/m"].GetProperty("costUsd").GetDecimal().ShouldBe(0.0003m);
    }

    [Theory]
    [InlineData("openai", "reset")]
    [InlineData("openai", "end")]
    [InlineData("openai", "silence")]
    [InlineData("anthropic", "reset")]
    [InlineData("anthropic", "silence")]
    public async Task A_stream_that_breaks_is_told_and_never_repeated(string type, string fault)
    {
        var release = new TaskCompletionSource();
        await using var bad = await FakeServer.StartAsync(async (context, _) =>
        {
            await FakeModels.StreamAsync(context, FakeModels.Beginning(type, "Good "));
            if (fault == "reset")
            {
                context.Abort();
            }
            else if (fault == "silence")
            {
                await release.Task;
            }
        });
        await using var good = await FakeServer.StartAsync((context, request) => FakeModels.AnswerAsync(context, request, type));
        await using var gateway = await StartAsync(bad, good, type);
        using var client = gateway.CreateClient();
        using var response = await CompleteAsync(client, "chain", stream: true);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var events = (await response.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        release.TrySetResult();
        string.Concat(events).ShouldContain("Good ");
        JsonElement.Parse(events[^1]["data: ".Length..]).GetProperty("error").GetProperty("code").GetString().ShouldBe(fault == "silence" ? "timeout" : "cut_off");
        bad.Seen.Count.ShouldBe(1);
        good.Seen.ShouldBeEmpty();

        // What was said is accounted for, estimated where the provider did not count.
        var usage = await (await client.GetAsync("/api/v1/ai/usage")).ReadAsync(HttpStatusCode.OK);
        var item = usage.GetProperty("items").EnumerateArray().ShouldHaveSingleItem();
        item.GetProperty("inputTokens").GetInt64().ShouldBeGreaterThan(0);
        item.GetProperty("outputTokens").GetInt64().ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task When_all_are_down_the_built_in_assistant_answers_if_that_is_allowed()
    {
        await using var bad = await FakeServer.StartAsync((context, _) => FailAsync(context, "500", Task.CompletedTask));
        await using var gateway = await StartAsync(bad, bad, "openai", new() { ["Ai:FallbackToLocal"] = "true" });
        using var client = gateway.CreateClient();
        using var response = await client.ChatAsync(new { message = "How many buildings are there?", model = "chain" });
        var answer = await response.ReadAsync(HttpStatusCode.OK);
        answer.GetProperty("provider").GetString().ShouldBe("local");
        answer.GetProperty("message").GetProperty("content").GetString()!.ShouldContain("2 buildings");
        answer.GetProperty("fallbacks").EnumerateArray().Select(f => f.GetProperty("model").GetString()).ShouldBe(["bad/m", "good/m"]);
    }

    [Fact]
    public async Task A_provider_that_keeps_failing_is_left_alone()
    {
        await using var bad = await FakeServer.StartAsync((context, _) => FailAsync(context, "500", Task.CompletedTask));
        await using var gateway = await StartAsync(bad, bad, "openai", new() { ["Ai:Providers:bad:FailuresToBreak"] = "2" });
        using var client = gateway.CreateClient();
        for (var i = 0; i < 3; i++)
        {
            await (await CompleteAsync(client, "bad/m", stream: false)).ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable);
        }

        bad.Seen.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_name_that_leads_inside_is_not_followed()
    {
        await using var inside = await FakeServer.StartAsync((context, request) => FakeModels.AnswerAsync(context, request, "openai"));
        await using var gateway = await StartAsync(inside, inside, "openai", new() { ["Ai:AllowPrivateBaseUrls"] = "false" });
        using var client = gateway.CreateClient();
        var problem = await (await CompleteAsync(client, "bad/m", stream: false)).ShouldBeProblemAsync(HttpStatusCode.BadGateway);
        problem.ToJsonString().ShouldContain("private_address");
        inside.Seen.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var inside = await FakeServer.StartAsync((context, request) => FakeModels.AnswerAsync(context, request, "openai"));
        await using var outside = await FakeServer.StartAsync((context, _) =>
        {
            context.Response.Redirect(new Uri(inside.Address, "/v1/chat/completions").ToString(), permanent: false, preserveMethod: true);
            return Task.CompletedTask;
        });
        await using var gateway = await StartAsync(outside, outside, "openai");
        using var client = gateway.CreateClient();
        await (await CompleteAsync(client, "bad/m", stream: false)).ShouldBeProblemAsync(HttpStatusCode.BadGateway);
        inside.Seen.ShouldBeEmpty();
    }

    [Fact]
    public async Task Secrets_and_addresses_stay_here()
    {
        await using var good = await FakeServer.StartAsync((context, request) => FakeModels.AnswerAsync(context, request, "openai"));
        await using var gateway = await StartAsync(good, good, "openai");
        using var client = gateway.CreateClient();
        (await client.ChatAsync(new { message = "Write to eva@example.org, the key is sk-abcdefghijklmnop.", model = "good/m" })).EnsureSuccessStatusCode();
        var sent = good.Seen.ShouldHaveSingleItem().Body;
        sent.ShouldNotContain("eva@example.org");
        sent.ShouldNotContain("sk-abcdefghijklmnop");
        sent.ShouldContain("[email]");
    }

    private static async Task FailAsync(HttpContext context, string fault, Task release)
    {
        switch (fault)
        {
            case "429":
                context.Response.Headers.RetryAfter = "7";
                await FakeServer.JsonAsync(context, """{"type":"error","error":{"type":"rate_limit_error","message":"inner words"}}""", 429);
                break;
            case "500" or "400":
                await FakeServer.JsonAsync(context, """{"type":"error","error":{"type":"api_error","message":"inner words"}}""", int.Parse(fault, System.Globalization.CultureInfo.InvariantCulture));
                break;
            case "malformed":
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync("data: {\"choices\": inner words\n\n");
                break;
            case "reset":
                context.Features.Get<IHttpResponseBodyFeature>()!.DisableBuffering();
                context.Abort();
                break;
            default:
                await release;
                break;
        }
    }

    private static Task<HttpResponseMessage> CompleteAsync(HttpClient client, string model, bool stream) => client.PostAsync(
        "/api/v1/ai/v1/chat/completions",
        new StringContent(JsonSerializer.Serialize(new { model, stream, messages = new[] { new { role = "user", content = "Good day?" } } }), System.Text.Encoding.UTF8, "application/json"));

    private Task<GatewayHost> StartAsync(FakeServer bad, FakeServer good, string type, Dictionary<string, string?>? more = null)
    {
        var settings = new Dictionary<string, string?> { ["Ai:AllowPrivateBaseUrls"] = "true", ["Ai:Aliases:chain"] = "bad/m, good/m", ["Ai:DefaultModel"] = "local" };
        foreach (var (name, server) in new[] { ("bad", bad), ("good", good) })
        {
            settings[$"Ai:Providers:{name}:Type"] = type;
            settings[$"Ai:Providers:{name}:ApiKey"] = "k";
            settings[$"Ai:Providers:{name}:BaseUrl"] = new Uri(server.Address, FakeModels.BasePath(type)).ToString();
            settings[$"Ai:Providers:{name}:Models:0:Name"] = "m";
            settings[$"Ai:Providers:{name}:Models:0:InputPricePerMTok"] = "2";
            settings[$"Ai:Providers:{name}:Models:0:OutputPricePerMTok"] = "10";
            settings[$"Ai:Providers:{name}:TimeoutSeconds"] = name == "bad" ? "1" : "30";
            settings[$"Ai:Providers:{name}:FirstTokenTimeoutSeconds"] = name == "bad" ? "1" : "30";
            settings[$"Ai:Providers:{name}:NextTokenTimeoutSeconds"] = name == "bad" ? "1" : "30";
        }

        foreach (var (key, value) in more ?? [])
        {
            settings[key] = value;
        }

        return GatewayHost.StartAsync(stores, _api.Address, _tokens, settings);
    }
}
