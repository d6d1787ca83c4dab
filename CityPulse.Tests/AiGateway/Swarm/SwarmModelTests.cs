using System.Net;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Http;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Swarm;

/// <summary>Runs whose agents are language models, against a server that speaks their protocol.</summary>
public sealed class SwarmModelTests(TestStores stores) : IAsyncLifetime
{
    private static readonly object[] TwoAgents = [new { name = "scout", instructions = "Look." }, new { name = "judge", instructions = "Decide. The password is correct-horse." }];

    private readonly TestTokens _tokens = new();
    private FakeServer _api = null!;

    public async ValueTask InitializeAsync() => _api = await FakeApi.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        _tokens.Dispose();
    }

    private Task<GatewayHost> StartAsync(FakeServer provider, Dictionary<string, string?>? more = null, FakeServer? api = null) =>
        GatewayHost.StartAsync(stores, (api ?? _api).Address, _tokens, new(more ?? [])
        {
            ["Ai:AllowPrivateBaseUrls"] = "true",
            ["Ai:Providers:OpenAi:ApiKey"] = "sk-very-secret",
            ["Ai:Providers:OpenAi:BaseUrl"] = new Uri(provider.Address, "/v1").ToString(),
            ["Ai:Providers:OpenAi:Model"] = "some-model",
            ["Ai:Providers:OpenAi:InputPricePerMTok"] = "2",
            ["Ai:Providers:OpenAi:OutputPricePerMTok"] = "10",
        });

    [Fact]
    public async Task In_a_sequence_each_model_knows_its_part_and_what_was_said()
    {
        await using var provider = await ModelAsync(request => Says(SystemOf(request).Contains("You are scout", StringComparison.Ordinal) ? "Found 42." : "Agreed."));
        await using var gateway = await StartAsync(provider);
        using var client = gateway.CreateClient(role: Role.Manager);
        var run = await client.EndOfRunAsync(await client.StartRunAsync(new { goal = "Find it", pattern = "sequential", agents = TwoAgents }));
        run.GetProperty("status").GetString().ShouldBe("completed", run.ToString());
        run.GetProperty("result").GetString().ShouldBe("Agreed.");
        run.GetProperty("steps")[0].GetProperty("model").GetString().ShouldBe("openai/some-model");
        var usage = run.GetProperty("usage");
        (usage.GetProperty("inputTokens").GetInt32(), usage.GetProperty("outputTokens").GetInt32(), usage.GetProperty("costUsd").GetDecimal()).ShouldBe((200, 20, 0.0006m));

        provider.Seen.Count.ShouldBe(2);
        provider.Seen[1].Body.ShouldContain("Found 42.");
        SystemOf(provider.Seen[1]).ShouldContain("Decide.");
        // What is said to an agent goes the same way as what is said in a chat.
        provider.Seen[1].Body.ShouldNotContain("correct-horse");
        gateway.Log.Lines.ShouldNotContain(l => l.Message.Contains("Found 42.", StringComparison.Ordinal) || l.Message.Contains("Find it", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_model_hands_over_to_the_agent_that_it_names()
    {
        await using var provider = await ModelAsync(request =>
            SystemOf(request).Contains("You are judge", StringComparison.Ordinal) ? Says("Decided.")
            : HasToolResult(request) ? Says("Over to you.")
            : Calls("hand_off", """{\"agent\":\"Judge\"}"""));
        await using var gateway = await StartAsync(provider);
        using var client = gateway.CreateClient(role: Role.Manager);
        var run = await client.EndOfRunAsync(await client.StartRunAsync(new { goal = "Find it", pattern = "handoff", agents = TwoAgents }));
        run.Agents().ShouldBe(["scout", "judge"]);
        run.GetProperty("steps")[0].GetProperty("handOffTo").GetString().ShouldBe("judge");
        run.GetProperty("result").GetString().ShouldBe("Decided.");
    }

    [Fact]
    public async Task A_group_talks_until_a_model_concludes()
    {
        await using var provider = await ModelAsync(request =>
            request.Body.Contains("Third thought", StringComparison.Ordinal) && !HasToolResult(request) ? Calls("conclude", "{}")
            : HasToolResult(request) ? Says("The end.")
            : Says(request.Body.Contains("It is your turn", StringComparison.Ordinal) ? "Third thought." : "First thought."));
        await using var gateway = await StartAsync(provider);
        using var client = gateway.CreateClient(role: Role.Manager);
        var run = await client.EndOfRunAsync(await client.StartRunAsync(new { goal = "Find it", pattern = "group_chat", agents = TwoAgents, maxTurns = 20 }));
        run.Agents().ShouldBe(["scout", "judge", "scout"]);
        run.GetProperty("stopReason").GetString().ShouldBe("done");
        run.GetProperty("result").GetString().ShouldBe("The end.");
    }

    [Fact]
    public async Task A_model_that_makes_the_same_call_three_times_ends_its_run()
    {
        await using var provider = await ModelAsync(_ => Calls("get_energy", """{\"from\":\"2026-10-01T00:00:00Z\",\"to\":\"2026-11-01T00:00:00Z\"}"""));
        await using var gateway = await StartAsync(provider);
        using var client = gateway.CreateClient(role: Role.Manager);
        var run = await client.EndOfRunAsync(await client.StartRunAsync(new { goal = "Find it", pattern = "sequential", agents = TwoAgents }));
        run.GetProperty("status").GetString().ShouldBe("failed");
        run.GetProperty("stopReason").GetString().ShouldBe("loop");
        run.GetProperty("error").GetString()!.ShouldContain("get_energy");
        provider.Seen.Count.ShouldBe(3);
        // What it cost is kept all the same.
        run.GetProperty("usage").GetProperty("inputTokens").GetInt32().ShouldBe(300);
        run.GetProperty("result").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task A_run_ends_when_its_money_is_spent()
    {
        await using var provider = await ModelAsync(_ => Says("Some words."));
        await using var gateway = await StartAsync(provider);
        using var client = gateway.CreateClient(role: Role.Manager);
        var run = await client.EndOfRunAsync(await client.StartRunAsync(new { goal = "Find it", pattern = "group_chat", agents = TwoAgents, maxTurns = 50, maxCostUsd = 0.0005 }));
        run.GetProperty("status").GetString().ShouldBe("failed");
        run.GetProperty("stopReason").GetString().ShouldBe("max_cost");
        run.GetProperty("steps").GetArrayLength().ShouldBe(2);
        run.GetProperty("usage").GetProperty("costUsd").GetDecimal().ShouldBe(0.0006m);
        using var nothing = await client.OrchestrateAsync(new { goal = "Find it", pattern = "sequential", maxCostUsd = 0 });
        (await nothing.ShouldBeProblemAsync(HttpStatusCode.BadRequest)).Errors().Keys.ShouldBe(["maxCostUsd"]);
    }

    [Fact]
    public async Task A_provider_that_fails_fails_the_run_without_its_words()
    {
        await using var provider = await FakeServer.StartAsync((context, _) => FakeServer.JsonAsync(context, """{"error":{"message":"inner words"}}""", 500));
        await using var gateway = await StartAsync(provider);
        using var client = gateway.CreateClient(role: Role.Manager);
        var run = await client.EndOfRunAsync(await client.StartRunAsync(new { goal = "Find it", pattern = "concurrent", agents = TwoAgents }));
        run.GetProperty("stopReason").GetString().ShouldBe("model_failed");
        run.ToString().ShouldNotContain("inner words");
    }

    [Fact]
    public async Task A_cancelled_run_stops_its_model_and_stores_nothing_more()
    {
        var (entered, left) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var provider = await FakeServer.StartAsync(async (context, _) =>
        {
            context.RequestAborted.Register(() => left.TrySetResult());
            entered.TrySetResult();
            await left.Task.WaitAsync(TimeSpan.FromSeconds(30));
        });
        await using var gateway = await StartAsync(provider);
        using var client = gateway.CreateClient(role: Role.Manager);
        var id = await client.StartRunAsync(new { goal = "Find it", pattern = "sequential", agents = TwoAgents });
        await entered.Task.WaitAsync(TimeSpan.FromSeconds(30));
        using var cancelled = await client.PostAsync($"{SwarmClient.Root}/runs/{id}/cancel", null);
        (await cancelled.ReadAsync(HttpStatusCode.OK)).GetProperty("status").GetString().ShouldBe("cancelled");
        await left.Task.WaitAsync(TimeSpan.FromSeconds(30));

        var events = await client.EventsAsync(id);
        events.ShouldHaveSingleItem().Type.ShouldBe("swarm.finished");
        events[0].Data.GetProperty("status").GetString().ShouldBe("cancelled");
        var run = await client.GetRunAsync(id);
        run.GetProperty("status").GetString().ShouldBe("cancelled");
        run.GetProperty("steps").GetArrayLength().ShouldBe(0);
        await (await client.PostAsync($"{SwarmClient.Root}/runs/{id}/cancel", null)).ShouldBeProblemAsync(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task A_run_takes_no_longer_than_it_may()
    {
        await using var provider = await FakeServer.StartAsync((context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default));
        await using var gateway = await StartAsync(provider, new() { ["Swarm:MaxRunSeconds"] = "1" });
        using var client = gateway.CreateClient(role: Role.Manager);
        var run = await client.EndOfRunAsync(await client.StartRunAsync(new { goal = "Find it", pattern = "sequential", agents = TwoAgents }));
        run.GetProperty("status").GetString().ShouldBe("failed");
        run.GetProperty("stopReason").GetString().ShouldBe("max_time");
    }

    [Fact]
    public async Task A_login_that_has_ended_ends_the_run_and_says_so()
    {
        await using var api = await FakeApi.StartAsync(async (context, request) =>
        {
            if (!request.PathAndQuery.Contains("ranking", StringComparison.Ordinal))
            {
                return false;
            }

            await FakeServer.JsonAsync(context, """{"title":"Unauthorized","status":401,"detail":"The session has ended."}""", 401, "application/problem+json");
            return true;
        });
        await using var provider = await ModelAsync(_ => Says("unused"));
        await using var gateway = await StartAsync(provider, new() { ["Ai:DefaultModel"] = "local/city-assistant" }, api);
        using var refused = gateway.CreateClient(role: Role.Manager);
        // Accepted for the few seconds by which clocks may differ, but not worked with.
        using var expired = gateway.CreateClient(_tokens.Issue(Role.Manager, change: d => d.Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(-1)));
        foreach (var (client, steps) in new[] { (refused, 2), (expired, 0) })
        {
            var run = await client.EndOfRunAsync(await client.StartRunAsync(new { goal = "How much energy did the town hall use in October?", pattern = "sequential" }));
            run.GetProperty("stopReason").GetString().ShouldBe("login_expired");
            run.GetProperty("error").GetString()!.ShouldContain("login");
            run.GetProperty("steps").GetArrayLength().ShouldBe(steps);
        }
    }

    private const string Usage = """{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}""";

    private static Task<FakeServer> ModelAsync(Func<SeenRequest, string[]> answer) => FakeServer.StartAsync(async (context, request) =>
    {
        context.Response.ContentType = "text/event-stream";
        foreach (var chunk in answer(request).Append($$"""{"id":"r1","object":"chat.completion.chunk","created":1700000000,"model":"some-model","choices":[],"usage":{{Usage}} }""").Append("[DONE]"))
        {
            await context.Response.WriteAsync($"data: {chunk}\n\n");
        }
    });

    private static string[] Says(string text) => [Chunk($$"""{"role":"assistant","content":"{{text}}"}"""), Chunk("{}", "\"stop\"")];

    private static string[] Calls(string tool, string arguments) =>
    [
        Chunk($$"""{"role":"assistant","tool_calls":[{"index":0,"id":"c{{Guid.NewGuid():N}}","type":"function","function":{"name":"{{tool}}","arguments":"{{arguments}}"} }]}"""),
        Chunk("{}", "\"tool_calls\""),
    ];

    private static string Chunk(string delta, string finish = "null") =>
        $$"""{"id":"r1","object":"chat.completion.chunk","created":1700000000,"model":"some-model","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finish}}}]}""";

    private static List<JsonElement> Messages(SeenRequest request) => [.. JsonElement.Parse(request.Body).GetProperty("messages").EnumerateArray()];

    private static string SystemOf(SeenRequest request) => Messages(request).Where(m => m.GetProperty("role").GetString() == "system").Select(m => m.GetProperty("content").ToString()).FirstOrDefault("");

    private static bool HasToolResult(SeenRequest request) => Messages(request).Any(m => m.GetProperty("role").GetString() == "tool");
}
