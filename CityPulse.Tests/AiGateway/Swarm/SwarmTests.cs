using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using CityPulse.AiGateway.Swarm;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Microsoft.Extensions.Options;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Swarm;

/// <summary>The swarm over HTTP with the built-in assistant, without any key.</summary>
public sealed class SwarmTests : IClassFixture<ChatFixture>, IDisposable
{
    private const string Energy = "How much energy did the town hall use in October?";

    private readonly TestStores _stores;
    private readonly ChatFixture _fixture;
    private readonly HttpClient _client;
    private readonly Guid _organization = Guid.CreateVersion7();

    public SwarmTests(TestStores stores, ChatFixture fixture)
    {
        (_stores, _fixture) = (stores, fixture);
        _client = Client();
    }

    public void Dispose() => _client.Dispose();

    private HttpClient Client(Role role = Role.Manager, Guid? organization = null, Frontend? frontend = null) =>
        _fixture.Gateway.CreateClient(_fixture.Tokens.Issue(role, frontend, d => d.Claims[CityClaims.Organization] = (organization ?? _organization).ToString()));

    [Theory]
    [InlineData("sequential", "analyst|energy engineer|alarm investigator|reporter")]
    [InlineData("concurrent", "analyst|energy engineer|alarm investigator")]
    [InlineData("handoff", "analyst|energy engineer|reporter")]
    [InlineData("group_chat", "analyst|energy engineer|alarm investigator|reporter")]
    public async Task Every_pattern_finishes_with_figures_from_the_city(string pattern, string agents)
    {
        var id = await _client.StartRunAsync(new { goal = Energy, pattern });
        var run = await _client.EndOfRunAsync(id);
        run.GetProperty("status").GetString().ShouldBe("completed", run.ToString());
        run.GetProperty("stopReason").GetString().ShouldBe("done");
        run.Agents().ShouldBe(agents.Split('|'));
        run.GetProperty("result").GetString()!.ShouldContain("1234.5 kWh");
        run.GetProperty("steps").EnumerateArray().Select(s => s.GetProperty("index").GetInt32()).ShouldBe(Enumerable.Range(0, run.Agents().Count));

        var usage = run.GetProperty("usage");
        usage.GetProperty("turns").GetInt32().ShouldBe(run.Agents().Count);
        usage.GetProperty("costUsd").GetDecimal().ShouldBe(0);
        usage.GetProperty("outputTokens").GetInt64().ShouldBe(run.GetProperty("steps").EnumerateArray().Sum(s => s.GetProperty("usage").GetProperty("outputTokens").GetInt64()));

        var call = run.GetProperty("steps")[0].GetProperty("toolCalls").EnumerateArray().Last();
        call.GetProperty("name").GetString().ShouldBe("get_energy");
        call.GetProperty("source").GetString()!.ShouldStartWith("/api/v1/citypulse/energy?");

        // The events tell the same, and end.
        var events = await _client.EventsAsync(id);
        events.Select(e => e.Id).ShouldBe(Enumerable.Range(1, events.Count).Select(i => (long)i));
        var told = events.Where(e => e.Type == "swarm.step").ToDictionary(e => e.Data.GetProperty("index").GetInt32(), e => e.Data);
        told.Count.ShouldBe(run.Agents().Count);
        foreach (var member in run.GetProperty("steps").EnumerateArray().SelectMany(s => s.EnumerateObject().Select(m => (Index: s.GetProperty("index").GetInt32(), Member: m))))
        {
            told[member.Index].GetProperty(member.Member.Name).GetRawText().ShouldBe(member.Member.Value.GetRawText());
        }

        told.Values.ShouldAllBe(s => s.GetProperty("runId").GetString() == id);
        foreach (var step in run.GetProperty("steps").EnumerateArray())
        {
            string.Concat(events.Where(e => e.Type == "swarm.delta" && e.Data.GetProperty("stepIndex").GetInt32() == step.GetProperty("index").GetInt32())
                .Select(e => e.Data.GetProperty("content").GetString())).ShouldBe(step.GetProperty("content").GetString());
        }

        events[^1].Type.ShouldBe("swarm.finished");
        events[^1].Data.GetProperty("status").GetString().ShouldBe("completed");
        events[^1].Data.GetProperty("result").GetString().ShouldBe(run.GetProperty("result").GetString());
    }

    [Theory]
    [InlineData("Reduce what our buildings cost us", "987.65 kWh")]
    [InlineData("Senke den Verbrauch unserer Stadt auf ein Minimum", "kWh")]
    [InlineData("Make the city a better place", "1234.5 kWh")]
    public async Task A_goal_that_is_no_question_still_gets_the_figures_of_each_agents_trade(string goal, string figure)
    {
        var run = await _client.EndOfRunAsync(await _client.StartRunAsync(new { goal, pattern = "sequential" }));
        run.GetProperty("status").GetString().ShouldBe("completed");
        run.GetProperty("result").GetString()!.ShouldContain(figure);
    }

    [Fact]
    public async Task Agents_of_ones_own_work_with_the_tools_that_they_are_given()
    {
        var run = await _client.EndOfRunAsync(await _client.StartRunAsync(new
        {
            goal = "Compare our buildings",
            pattern = "concurrent",
            maxTurns = 10,
            maxCostUsd = 0.5,
            agents = new object[]
            {
                new { name = "Counter", instructions = "How many buildings are there?", model = "local", tools = new[] { "list_buildings" } },
                new { name = "Ranker", instructions = "Which building used the most energy last month?", tools = new[] { "rank_buildings" } },
            },
        }));
        run.GetProperty("status").GetString().ShouldBe("completed");
        run.Agents().ShouldBe(["Counter", "Ranker"]);
        run.GetProperty("result").GetString()!.ShouldContain("There are 2 buildings");
        run.GetProperty("result").GetString()!.ShouldContain("987.65 kWh");
        run.GetProperty("maxCostUsd").GetDecimal().ShouldBe(0.5m);
        run.GetProperty("agents")[0].GetProperty("tools")[0].GetString().ShouldBe("list_buildings");
    }

    [Theory]
    [InlineData("sequential")]
    [InlineData("concurrent")]
    [InlineData("handoff")]
    [InlineData("group_chat")]
    public async Task Turns_that_are_used_up_end_a_run_with_what_there_is(string pattern)
    {
        var run = await _client.EndOfRunAsync(await _client.StartRunAsync(new { goal = Energy, pattern, maxTurns = 2 }));
        run.GetProperty("status").GetString().ShouldBe("completed");
        run.GetProperty("stopReason").GetString().ShouldBe("max_turns");
        run.GetProperty("steps").GetArrayLength().ShouldBe(2);
        run.GetProperty("result").GetString().ShouldNotBeNullOrEmpty();
    }

    [Theory]
    [InlineData("""{"pattern":"sequential"}""", "goal")]
    [InlineData("""{"goal":"  ","pattern":"sequential"}""", "goal")]
    [InlineData("""{"goal":"x"}""", "pattern")]
    [InlineData("""{"goal":"x","pattern":"swarm"}""", "pattern")]
    [InlineData("""{"goal":"x","pattern":"sequential","maxTurns":0}""", "maxTurns")]
    [InlineData("""{"goal":"x","pattern":"sequential","maxTurns":101}""", "maxTurns")]
    [InlineData("""{"goal":"x","pattern":"sequential","maxTurns":"3"}""", "maxTurns")]
    [InlineData("""{"goal":"x","pattern":"sequential","maxCostUsd":-1}""", "maxCostUsd")]
    [InlineData("""{"goal":"x","pattern":"sequential","max_turns":3}""", "max_turns")]
    [InlineData("""{"goal":"x","pattern":"sequential","agents":[]}""", "agents")]
    [InlineData("""{"goal":"x","pattern":"sequential","agents":[null]}""", "agents[0].name agents[0].instructions")]
    [InlineData("""{"goal":"x","pattern":"sequential","agents":[{"name":"a","instructions":"i"},{"name":" A","instructions":"i"}]}""", "agents[1].name")]
    [InlineData("""{"goal":"x","pattern":"sequential","agents":[{"name":"a"}]}""", "agents[0].instructions")]
    [InlineData("""{"goal":"x","pattern":"sequential","agents":[{"name":"a","instructions":"i","model":"gpt-9"}]}""", "agents[0].model")]
    [InlineData("""{"goal":"x","pattern":"sequential","agents":[{"name":"a","instructions":"i","tools":["list_buildings","delete_all"]}]}""", "agents[0].tools[1]")]
    [InlineData("""{"goal":"x","pattern":"sequential","agents":[{"name":"a","instructions":"i","tool":[]}]}""", "agents[0].tool")]
    public async Task A_request_that_cannot_be_run_says_where_it_is_wrong(string body, string path)
    {
        using var response = await _client.PostAsync($"{SwarmClient.Root}/orchestrate", new StringContent(body, Encoding.UTF8, "application/json"));
        (await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest)).Errors().Keys.ShouldBe(path.Split(' '));
    }

    [Fact]
    public async Task Sixteen_agents_are_a_swarm_and_seventeen_are_too_many()
    {
        var agents = Enumerable.Range(0, 17).Select(i => new { name = $"agent {i}", instructions = "How many buildings are there?" }).ToList();
        using var refused = await _client.OrchestrateAsync(new { goal = Energy, pattern = "concurrent", agents });
        (await refused.ShouldBeProblemAsync(HttpStatusCode.BadRequest)).Errors().Keys.ShouldBe(["agents"]);
        var run = await _client.EndOfRunAsync(await _client.StartRunAsync(new { goal = Energy, pattern = "concurrent", agents = agents[..16] }));
        run.GetProperty("steps").GetArrayLength().ShouldBe(16);
    }

    [Fact]
    public async Task Who_may_start_and_see_runs_follows_role_and_frontend()
    {
        var body = new { goal = Energy, pattern = "handoff" };
        var id = await _client.StartRunAsync(body);
        using var stranger = new HttpClient { BaseAddress = _fixture.Gateway.BaseAddress };
        using var user = Client(Role.User);
        using var city = Client(Role.Admin, frontend: Frontend.CityPulse);
        using var flow = Client(Role.Manager, frontend: Frontend.FlowMind);

        await (await stranger.OrchestrateAsync(body)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await stranger.GetAsync($"{SwarmClient.Root}/runs")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await user.OrchestrateAsync(body)).ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        await (await user.PostAsync($"{SwarmClient.Root}/runs/{id}/cancel", null)).ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        (await user.EndOfRunAsync(id)).GetProperty("status").GetString().ShouldBe("completed");
        await (await city.OrchestrateAsync(body)).ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        await (await city.GetAsync($"{SwarmClient.Root}/runs/{id}")).ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        (await flow.EndOfRunAsync(await flow.StartRunAsync(body))).GetProperty("status").GetString().ShouldBe("completed");
        _fixture.Api.Seen.ShouldContain(r => r.Frontend == "flowmind");
    }

    [Fact]
    public async Task Another_organisations_run_is_one_that_does_not_exist()
    {
        var id = await _client.StartRunAsync(new { goal = Energy, pattern = "sequential" });
        await _client.EndOfRunAsync(id);
        using var foreign = Client(Role.Admin, Guid.CreateVersion7());
        foreach (var (method, path) in new[] { ("GET", ""), ("GET", "/events"), ("POST", "/cancel") })
        {
            var details = new List<string>();
            foreach (var one in new[] { id, Guid.CreateVersion7().ToString() })
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), $"{SwarmClient.Root}/runs/{one}{path}");
                using var response = await foreign.SendAsync(request);
                details.Add((await response.ShouldBeProblemAsync(HttpStatusCode.NotFound))["detail"]!.GetValue<string>());
            }

            details[1].ShouldBe(details[0]);
        }

        (await (await foreign.GetAsync($"{SwarmClient.Root}/runs")).ReadAsync(HttpStatusCode.OK)).GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task The_list_pages_by_key_newest_first_and_knows_when_nothing_changed()
    {
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add(await _client.StartRunAsync(new { goal = Energy, pattern = "concurrent", maxTurns = 1 }));
            await _client.EndOfRunAsync(ids[i]);
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await _client.GetFromJsonAsync<JsonElement>($"{SwarmClient.Root}/runs?limit=2{(cursor is null ? "" : $"&cursor={cursor}")}");
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetString()!));
            cursor = page.GetProperty("nextCursor").GetString();
            if (cursor is not null)
            {
                var altered = (cursor[0] == 'A' ? 'B' : 'A') + cursor[1..];
                await (await _client.GetAsync($"{SwarmClient.Root}/runs?cursor={altered}")).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
            }
        }
        while (cursor is not null);
        seen.ShouldBe(Enumerable.Reverse(ids));

        foreach (var path in new[] { $"{SwarmClient.Root}/runs", $"{SwarmClient.Root}/runs/{ids[0]}" })
        {
            using var first = await _client.GetAsync(path);
            using var again = new HttpRequestMessage(HttpMethod.Get, path);
            again.Headers.IfNoneMatch.Add(first.Headers.ETag!);
            (await _client.SendAsync(again)).StatusCode.ShouldBe(HttpStatusCode.NotModified);
        }

        foreach (var query in new[] { "limit=0", "limit=501", "limit=x", "cursor=nonsense" })
        {
            await (await _client.GetAsync($"{SwarmClient.Root}/runs?{query}")).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_run_can_be_followed_from_its_start(bool byHeader)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{SwarmClient.Root}/orchestrate")
        {
            Content = JsonContent.Create(new { goal = Energy, pattern = "sequential", stream = byHeader ? (bool?)null : true }),
        };
        if (byHeader)
        {
            request.Headers.Accept.ParseAdd("text/event-stream");
        }

        using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.Headers.Location!.ToString().ShouldStartWith($"{SwarmClient.Root}/runs/");
        var events = await SwarmClient.ReadEventsAsync(response);
        events.Count(e => e.Type == "swarm.step").ShouldBe(4);
        events.Count(e => e.Type == "swarm.finished").ShouldBe(1);
        events[^1].Type.ShouldBe("swarm.finished");

        // And again from any place, from the record alone.
        var id = events[0].Data.GetProperty("runId").GetString()!;
        foreach (var after in new long[] { 0, 1, events[^2].Id, events[^1].Id, 999 })
        {
            (await _client.EventsAsync(id, after)).Select(e => (e.Id, e.Data.GetRawText())).ShouldBe(events.Where(e => e.Id > after).Select(e => (e.Id, e.Data.GetRawText())));
        }

        using var wrong = new HttpRequestMessage(HttpMethod.Get, $"{SwarmClient.Root}/runs/{id}/events");
        wrong.Headers.Add("Last-Event-ID", "-1");
        await (await _client.SendAsync(wrong)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task The_same_request_with_the_same_key_is_one_run()
    {
        async Task<HttpResponseMessage> SendAsync(string goal)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{SwarmClient.Root}/orchestrate") { Content = JsonContent.Create(new { goal, pattern = "sequential" }) };
            request.Headers.Add("Idempotency-Key", "key-1");
            return await _client.SendAsync(request);
        }

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => SendAsync(Energy)));
        var ids = new List<string>();
        foreach (var answer in answers)
        {
            var accepted = await answer.ReadAsync(HttpStatusCode.Accepted);
            accepted.GetProperty("status").GetString().ShouldBe("queued");
            ids.Add(accepted.GetProperty("runId").GetString()!);
        }

        ids.Distinct().Count().ShouldBe(1);
        answers.Count(a => a.Headers.Contains("Idempotency-Replayed")).ShouldBe(4);
        await (await SendAsync("Something else")).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity);
    }

    [Fact]
    public async Task A_finished_run_cannot_be_cancelled_and_has_forgotten_its_callers_token()
    {
        var id = await _client.StartRunAsync(new { goal = Energy, pattern = "sequential" });
        await _client.EndOfRunAsync(id);
        var problem = await (await _client.PostAsync($"{SwarmClient.Root}/runs/{id}/cancel", null)).ShouldBeProblemAsync(HttpStatusCode.Conflict);
        problem["detail"]!.GetValue<string>().ShouldContain("completed");

        await using var connection = new NpgsqlConnection(_fixture.Gateway.Database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("select sealed_token is null and lease_owner is null from ai.swarm_runs where id = $1", connection)
        {
            Parameters = { new NpgsqlParameter<Guid> { TypedValue = Guid.Parse(id) } },
        };
        (await command.ExecuteScalarAsync()).ShouldBe(true);
    }

    [Fact]
    public async Task The_live_stream_is_told_every_event_once_in_order_and_after_it_is_stored()
    {
        var told = new ConcurrentQueue<JsonElement>();
        var refusals = 1;
        await using var api = await FakeApi.StartAsync(async (context, request) =>
        {
            if (context.Request.Path != "/internal/events")
            {
                return false;
            }

            // The first attempt meets an Api that is just away.
            if (Interlocked.Decrement(ref refusals) >= 0)
            {
                context.Response.StatusCode = 503;
                return true;
            }

            context.Request.Headers["X-Internal-Key"].ToString().ShouldBe(ApiHost.InternalKey);
            told.Enqueue(JsonElement.Parse(request.Body));
            context.Response.StatusCode = 204;
            await context.Response.CompleteAsync();
            return true;
        });
        await using var gateway = await GatewayHost.StartAsync(_stores, api.Address, _fixture.Tokens, internalApi: api.Address);
        using var client = gateway.CreateClient(_fixture.Tokens.Issue(Role.Manager, change: d => d.Claims[CityClaims.Organization] = _organization.ToString()));
        var id = await client.StartRunAsync(new { goal = Energy, pattern = "sequential" });
        var events = await client.EventsAsync(id);
        await Eventually.TrueAsync(() => told.Count >= events.Count, "all events are told");
        told.Select(t => (t.GetProperty("type").GetString(), t.GetProperty("data").GetRawText())).ShouldBe(events.Select(e => ((string?)e.Type, e.Data.GetRawText())));
        told.ShouldAllBe(t => t.GetProperty("topics")[0].GetString() == $"swarm/{id}" && t.GetProperty("organizationId").GetGuid() == _organization);
    }

    [Fact]
    public void A_sealed_token_opens_for_its_run_and_key_only()
    {
        static RunSeal Seal(string secret) => new(Options.Create(new SwarmOptions { Secret = secret }));
        var run = Guid.CreateVersion7();
        var box = Seal("one").Seal(run, "Bearer very-secret");
        Encoding.UTF8.GetString(box).ShouldNotContain("secret");
        Seal("one").Open(run, box).ShouldBe("Bearer very-secret");
        Seal("one").Open(Guid.CreateVersion7(), box).ShouldBeNull();
        Seal("two").Open(run, box).ShouldBeNull();
        box[^1] ^= 1;
        Seal("one").Open(run, box).ShouldBeNull();
        Seal("one").Open(run, []).ShouldBeNull();
    }

    [Theory]
    [InlineData("Swarm:MaxConcurrentRuns", "0")]
    [InlineData("Swarm:LeaseSeconds", "0")]
    public async Task A_bad_setting_stops_the_boot_with_its_name(string key, string value)
    {
        var fault = await Should.ThrowAsync<Exception>(GatewayHost.StartAsync(_stores, _fixture.Api.Address, _fixture.Tokens, new() { [key] = value }));
        fault.ToString().ShouldContain(key);
    }
}
