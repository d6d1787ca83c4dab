using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;
using System.Text;
using System.Text.Json;
using CityPulse.Tests.Support;
using OpenAI;
using OpenAI.Chat;
using Shouldly;

namespace CityPulse.Tests.AiGateway.OpenAi;

/// <summary>The OpenAI-compatible door on the built-in assistant, by bytes and by OpenAI's own client.</summary>
public sealed class OpenAiDoorTests(ChatFixture fixture) : IClassFixture<ChatFixture>, IAsyncLifetime
{
    private const string Path = "/api/v1/ai/v1/chat/completions";
    private string _token = "";
    private HttpClient _client = null!;

    public ValueTask InitializeAsync()
    {
        _token = fixture.Tokens.Issue();
        _client = fixture.Gateway.CreateClient(_token);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("\"How many buildings are there?\"")]
    [InlineData("""[{"type":"text","text":"How many buildings "},{"type":"text","text":"are there?"}]""")]
    public async Task A_completion_has_the_members_that_clients_read(string content)
    {
        using var response = await PostAsync($$"""
            {"model":"local/city-assistant","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":{{content}} }],
             "temperature":0.2,"top_p":1,"n":1,"max_tokens":100,"seed":7,"stop":null,"presence_penalty":0,"frequency_penalty":0,"user":"u","logit_bias":{},
             "response_format":{"type":"text"},"store":false,"metadata":{},"service_tier":"auto"}
            """);
        var answer = await response.ReadAsync(HttpStatusCode.OK);
        answer.GetProperty("id").GetString()!.ShouldStartWith("chatcmpl-");
        answer.GetProperty("object").GetString().ShouldBe("chat.completion");
        answer.GetProperty("created").GetInt64().ShouldBeGreaterThan(1_700_000_000);
        answer.GetProperty("model").GetString().ShouldBe("local/city-assistant");
        var choice = answer.GetProperty("choices").EnumerateArray().ShouldHaveSingleItem();
        choice.GetProperty("index").GetInt32().ShouldBe(0);
        choice.GetProperty("finish_reason").GetString().ShouldBe("stop");
        choice.GetProperty("message").GetProperty("role").GetString().ShouldBe("assistant");
        choice.GetProperty("message").GetProperty("content").GetString()!.ShouldStartWith("There are 2 buildings.");
        choice.GetProperty("message").TryGetProperty("tool_calls", out _).ShouldBeFalse();
        answer.GetProperty("citations").EnumerateArray().ShouldHaveSingleItem().GetProperty("url").GetString().ShouldBe("/api/v1/citypulse/buildings");
        answer.GetProperty("unverifiedNumbers").GetArrayLength().ShouldBe(0);
        var usage = answer.GetProperty("usage");
        usage.GetProperty("total_tokens").GetInt64().ShouldBe(usage.GetProperty("prompt_tokens").GetInt64() + usage.GetProperty("completion_tokens").GetInt64());
        usage.GetProperty("completion_tokens").GetInt64().ShouldBeGreaterThan(0);
        fixture.Api.Seen.ShouldContain(r => r.Authorization == $"Bearer {_token}");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_is_chunks_and_then_done(bool includeUsage)
    {
        using var response = await PostAsync($$"""
            {"model":"local","stream":true,"stream_options":{"include_usage":{{(includeUsage ? "true" : "false")}} },"messages":[{"role":"user","content":"List all buildings"}]}
            """);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        var events = (await response.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        events.ShouldAllBe(e => e.StartsWith("data: ", StringComparison.Ordinal));
        events[^1].ShouldBe("data: [DONE]");
        var chunks = events[..^1].Select(e => JsonElement.Parse(e["data: ".Length..])).ToList();
        chunks.ShouldAllBe(c => c.GetProperty("object").GetString() == "chat.completion.chunk" && c.GetProperty("model").GetString() == "local/city-assistant");
        chunks.Select(c => c.GetProperty("id").GetString()).Distinct().ShouldHaveSingleItem();
        var choices = chunks.Where(c => c.GetProperty("choices").GetArrayLength() > 0).Select(c => c.GetProperty("choices")[0]).ToList();
        choices[0].GetProperty("delta").GetProperty("role").GetString().ShouldBe("assistant");
        string.Concat(choices.Select(c => c.GetProperty("delta").TryGetProperty("content", out var text) ? text.GetString() : "")).ShouldContain("Goethe School (school, 500 m²)");
        choices[..^1].ShouldAllBe(c => c.GetProperty("finish_reason").ValueKind == JsonValueKind.Null);
        choices[^1].GetProperty("finish_reason").GetString().ShouldBe("stop");
        chunks.Where(c => c.TryGetProperty("citations", out _)).ShouldHaveSingleItem().GetProperty("citations")[0].GetProperty("tool").GetString().ShouldBe("list_buildings");
        var counts = chunks.Where(c => c.TryGetProperty("usage", out _)).ToList();
        counts.Count.ShouldBe(includeUsage ? 1 : 0);
        if (includeUsage)
        {
            counts[0].GetProperty("choices").GetArrayLength().ShouldBe(0);
            counts[0].GetProperty("usage").GetProperty("total_tokens").GetInt64().ShouldBeGreaterThan(0);
        }
    }

    [Fact]
    public async Task OpenAIs_own_client_talks_to_it()
    {
        var client = new ChatClient("local", new ApiKeyCredential(_token), new OpenAIClientOptions
        {
            Endpoint = new Uri(fixture.Gateway.BaseAddress, "/api/v1/ai/v1"), RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
        });
        var whole = await client.CompleteChatAsync([new UserChatMessage("How many buildings are there?")]);
        whole.Value.Content[0].Text.ShouldStartWith("There are 2 buildings.");
        whole.Value.FinishReason.ShouldBe(ChatFinishReason.Stop);
        whole.Value.Usage.OutputTokenCount.ShouldBeGreaterThan(0);

        var text = new StringBuilder();
        await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("How many buildings are there?")]))
        {
            text.Append(string.Concat(update.ContentUpdate.Select(c => c.Text)));
        }

        text.ToString().ShouldStartWith("There are 2 buildings.");
        var unknown = await Should.ThrowAsync<ClientResultException>(() => new ChatClient("nobody/nothing", new ApiKeyCredential(_token), new OpenAIClientOptions
        {
            Endpoint = new Uri(fixture.Gateway.BaseAddress, "/api/v1/ai/v1"),
        }).CompleteChatAsync([new UserChatMessage("hi")]));
        unknown.Status.ShouldBe(404);
        unknown.Message.ShouldContain("nobody/nothing");
    }

    [Fact]
    public async Task Tools_with_a_schema_are_the_clients_own_and_their_calls_go_back_to_it()
    {
        const string tools = """
            [{"type":"function","function":{"name":"list_buildings","description":"Mine.","parameters":{"type":"object","properties":{"limit":{"type":"integer"} } } } }]
            """;
        using var asked = await PostAsync($$"""{"model":"local","messages":[{"role":"user","content":"How many buildings are there?"}],"tools":{{tools}} }""");
        var choice = (await asked.ReadAsync(HttpStatusCode.OK)).GetProperty("choices")[0];
        choice.GetProperty("finish_reason").GetString().ShouldBe("tool_calls");
        choice.GetProperty("message").GetProperty("content").ValueKind.ShouldBe(JsonValueKind.Null);
        var call = choice.GetProperty("message").GetProperty("tool_calls").EnumerateArray().ShouldHaveSingleItem();
        call.GetProperty("type").GetString().ShouldBe("function");
        call.GetProperty("function").GetProperty("name").GetString().ShouldBe("list_buildings");
        JsonElement.Parse(call.GetProperty("function").GetProperty("arguments").GetString()!).GetProperty("limit").GetInt32().ShouldBe(5000);

        using var streamed = await PostAsync($$"""{"model":"local","stream":true,"messages":[{"role":"user","content":"How many buildings are there?"}],"tools":{{tools}} }""");
        var part = (await streamed.Content.ReadAsStringAsync()).Split("\n\n").Single(e => e.Contains("tool_calls\":[", StringComparison.Ordinal));
        JsonElement.Parse(part["data: ".Length..]).GetProperty("choices")[0].GetProperty("delta").GetProperty("tool_calls")[0].GetProperty("index").GetInt32().ShouldBe(0);

        var result = JsonSerializer.Serialize(
            """{"summary":"1 buildings","source":"x","count":1,"complete":true,"items":[{"id":"00000000-0000-7000-8000-000000000009","name":"Mill","use":"other","timeZone":"Europe/Berlin","floorAreaM2":1,"code":null,"city":null}]}""");
        using var answered = await PostAsync($$"""
            {"model":"local","tools":{{tools}},"messages":[{"role":"user","content":"How many buildings are there?"},
              {"role":"assistant","content":null,"tool_calls":[{{call.GetRawText()}}]},{"role":"tool","tool_call_id":"{{call.GetProperty("id").GetString()}}","content":{{result}} }]}
            """);
        (await answered.ReadAsync(HttpStatusCode.OK)).GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!.ShouldContain("1");
    }

    [Fact]
    public async Task A_call_id_that_comes_twice_is_taken()
    {
        const string call = """{"id":"c1","type":"function","function":{"name":"list_buildings","arguments":"{}"} }""";
        using var response = await PostAsync($$"""
            {"model":"local","messages":[{"role":"user","content":"How many buildings are there?"},{"role":"assistant","content":null,"tool_calls":[{{call}},{{call}}]},
              {"role":"tool","tool_call_id":"c1","content":"{}"},{"role":"tool","tool_call_id":"c1","content":"{}"}]}
            """);
        (await response.ReadAsync(HttpStatusCode.OK)).GetProperty("choices")[0].GetProperty("finish_reason").GetString().ShouldBe("stop");
    }

    [Theory]
    [InlineData("""{"model":"local"}""", 400, "messages", null)]
    [InlineData("""{"model":"local","messages":[]}""", 400, "messages", null)]
    [InlineData("""{"messages":[{"role":"user","content":"hi"}]}""", 400, "model", null)]
    [InlineData("""{"model":"local","messages":[{"role":"robot","content":"hi"}]}""", 400, "messages[0].role", null)]
    [InlineData("""{"model":"local","messages":[{"role":"user"}]}""", 400, "messages[0].content", null)]
    [InlineData("""{"model":"local","messages":[{"role":"user","content":5}]}""", 400, "messages[0].content", null)]
    [InlineData("""{"model":"local","messages":[null]}""", 400, "messages[0]", null)]
    [InlineData("""{"model":"local","messages":"hi"}""", 400, "messages", null)]
    [InlineData("""{"model":"local","messages":[{"role":"user","content":"hi"}],"temperature":"0.5"}""", 400, "temperature", null)]
    [InlineData("""{"model":"local","messages":[{"role":"user","content":"hi"}],"temperature":3}""", 400, "temperature", null)]
    [InlineData("""{"model":"local","messages":[{"role":"user","content":"hi"}],"n":2}""", 400, "n", null)]
    [InlineData("""{"model":"local","messages":[{"role":"user","content":"hi"}],"tool_choice":"maybe","tools":[{"type":"function","function":{"name":"get_energy"} }]}""", 400, "tool_choice", null)]
    [InlineData("""{"model":"local","messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{"} }]}]}""", 400, "messages[0].tool_calls[0]", null)]
    [InlineData("""{"model":"openai/gpt-4.1-mini","messages":[{"role":"user","content":"hi"}]}""", 404, null, "model_not_found")]
    [InlineData("""{"model":"local","messages":""", 400, "$", null)]
    public async Task What_is_wrong_is_said_as_problem_and_as_OpenAI_says_it(string body, int status, string? param, string? code)
    {
        using var response = await PostAsync(body);
        var problem = JsonElement.Parse((await response.ShouldBeProblemAsync((HttpStatusCode)status)).ToJsonString());
        var error = problem.GetProperty("error");
        error.GetProperty("message").GetString().ShouldNotBeNullOrEmpty();
        error.GetProperty("type").GetString().ShouldBe("invalid_request_error");
        error.GetProperty("param").GetString().ShouldBe(param);
        error.GetProperty("code").GetString().ShouldBe(code);
    }

    [Fact]
    public async Task Refusals_before_the_door_have_the_error_too()
    {
        using var anonymous = new HttpClient { BaseAddress = fixture.Gateway.BaseAddress };
        using var response = await anonymous.PostAsync(Path, new StringContent("{}", Encoding.UTF8, "application/json"));
        var problem = JsonElement.Parse((await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized)).ToJsonString());
        problem.GetProperty("error").GetProperty("code").GetString().ShouldBe("invalid_api_key");
        problem.GetProperty("errorId").GetString().ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task Models_are_listed_as_OpenAI_lists_them()
    {
        var list = await (await _client.GetAsync("/api/v1/ai/v1/models")).ReadAsync(HttpStatusCode.OK);
        list.GetProperty("object").GetString().ShouldBe("list");
        var models = list.GetProperty("data").EnumerateArray().ToList();
        models.Select(m => m.GetProperty("id").GetString()).ShouldBe(["local/city-assistant", "local"]);
        models.ShouldAllBe(m => m.GetProperty("object").GetString() == "model" && m.GetProperty("owned_by").GetString() == "local");
        (await (await _client.GetAsync("/api/v1/ai/v1/models/local/city-assistant")).ReadAsync(HttpStatusCode.OK)).GetProperty("id").GetString().ShouldBe("local/city-assistant");
        await (await _client.GetAsync("/api/v1/ai/v1/models/nobody")).ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    private Task<HttpResponseMessage> PostAsync(string body) => _client.PostAsync(Path, new StringContent(body, Encoding.UTF8, "application/json"));
}
