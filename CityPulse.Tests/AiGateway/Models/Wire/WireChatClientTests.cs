using System.Text;
using System.Text.Json;
using CityPulse.AiGateway.Models;
using CityPulse.AiGateway.Models.Wire;
using Microsoft.Extensions.AI;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Models.Wire;

/// <summary>OpenAI's chat completions, byte by byte, over HTTP.</summary>
public sealed class WireChatClientTests : IAsyncLifetime
{
    private readonly HttpMessageInvoker _http = new(ProviderConnections.Create(allowPrivate: true));
    private FakeServer _server = null!;
    private string _answer = """{"id":"r1","model":"m","choices":[{"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}]}""";

    public async ValueTask InitializeAsync() => _server = await FakeServer.StartAsync((context, _) => FakeServer.JsonAsync(
        context, _answer, type: _answer.StartsWith("data:", StringComparison.Ordinal) ? "text/event-stream" : "application/json"));

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_request_has_all_that_the_caller_said()
    {
        var schema = JsonElement.Parse("""{"type":"object","properties":{"id":{"type":"string"}}}""");
        ChatMessage[] messages =
        [
            new(ChatRole.System, "Be \"brief\".\n"),
            new(ChatRole.User, "Grüße") { AuthorName = "ada" },
            new(ChatRole.User, [new TextContent("What is it?"), new UriContent("https://example.org/a.png", "image/*"), new DataContent("data:image/png;base64,AAAA")]),
            new(ChatRole.Assistant, [new FunctionCallContent("c1", "find", new Dictionary<string, object?> { ["id"] = "x" }), new FunctionCallContent("c2", "find")]),
            new(ChatRole.Tool, [new FunctionResultContent("c1", JsonElement.Parse("""{"a":1}""")), new FunctionResultContent("c2", "none")]),
            new(ChatRole.Assistant, ""),
        ];
        await Client().GetResponseAsync(messages, new ChatOptions
        {
            Instructions = "First of all.",
            MaxOutputTokens = 50,
            Temperature = 0.2f,
            TopP = 1,
            PresencePenalty = -1,
            FrequencyPenalty = 0.5f,
            Seed = 7,
            StopSequences = ["END"],
            Tools = [AIFunctionFactory.CreateDeclaration("find", "Finds it.", schema)],
            ToolMode = ChatToolMode.RequireSpecific("find"),
            AllowMultipleToolCalls = false,
            ResponseFormat = ChatResponseFormat.ForJsonSchema(schema, "thing"),
        });

        var seen = _server.Seen.ShouldHaveSingleItem();
        (seen.Method, seen.PathAndQuery, seen.Authorization).ShouldBe(("POST", "/v1/chat/completions", "Bearer key"));
        JsonElement.DeepEquals(JsonElement.Parse(seen.Body), JsonElement.Parse("""
            {"model":"m","messages":[
               {"role":"system","content":"First of all."},
               {"role":"system","content":"Be \"brief\".\n"},
               {"role":"user","name":"ada","content":"Grüße"},
               {"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"https://example.org/a.png"}},
                  {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},
               {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"find","arguments":"{\"id\":\"x\"}"}},
                  {"id":"c2","type":"function","function":{"name":"find","arguments":"{}"}}]},
               {"role":"tool","tool_call_id":"c1","content":"{\"a\":1}"},{"role":"tool","tool_call_id":"c2","content":"none"},
               {"role":"assistant","content":""}],
             "max_completion_tokens":50,"temperature":0.2,"top_p":1,"presence_penalty":-1,"frequency_penalty":0.5,"seed":7,"stop":["END"],
             "response_format":{"type":"json_schema","json_schema":{"name":"thing","schema":{"type":"object","properties":{"id":{"type":"string"}}}}},
             "tools":[{"type":"function","function":{"name":"find","description":"Finds it.","parameters":{"type":"object","properties":{"id":{"type":"string"}}}}}],
             "tool_choice":{"type":"function","function":{"name":"find"}},"parallel_tool_calls":false}
            """)).ShouldBeTrue(seen.Body);
    }

    [Fact]
    public async Task An_answer_is_read_whole_however_long_it_is()
    {
        var text = new string('ä', 100_000);
        _answer = $$$"""
            {"id":"r1","model":"m-1","choices":[{"message":{"role":"assistant","content":"{{{text}}}","tool_calls":[
              {"id":"c1","type":"function","function":{"name":"find","arguments":"{\"id\":5}"}},{"id":"c2","type":"function","function":{"name":"find","arguments":"{"}}]},
              "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}
            """;
        var answer = await Client().GetResponseAsync("hello");
        answer.Text.ShouldBe(text);
        (answer.ModelId, answer.FinishReason).ShouldBe(("m-1", ChatFinishReason.ToolCalls));
        (answer.Usage!.InputTokenCount, answer.Usage.OutputTokenCount).ShouldBe((3, 4));
        var calls = answer.Messages[0].Contents.OfType<FunctionCallContent>().ToList();
        calls.Select(c => c.CallId).ShouldBe(["c1", "c2"]);
        calls[0].Arguments!["id"]!.ToString().ShouldBe("5");
        calls[1].Exception!.InnerException.ShouldBeAssignableTo<JsonException>();

        _answer = """{"choices":[{"message":{"content":null,"refusal":"I will not."},"finish_reason":"content_filter"}],"usage":null}""";
        answer = await Client().GetResponseAsync("hello");
        (answer.Text, answer.FinishReason, answer.Usage).ShouldBe(("I will not.", ChatFinishReason.ContentFilter, null));
    }

    [Fact]
    public async Task Calls_that_come_bit_by_bit_and_side_by_side_are_given_whole_at_the_end()
    {
        _answer = Stream(
            Delta("""{"role":"assistant","content":""}"""), Delta("""{"content":"I look"}"""),
            Delta("""{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"find","arguments":""}}]}"""),
            Delta("""{"tool_calls":[{"index":1,"id":"c2","type":"function","function":{"name":"count","arguments":"{\"a\""}}]}"""),
            Delta("""{"tool_calls":[{"index":0,"function":{"arguments":"{\"id\":1}"}},{"index":1,"function":{"arguments":":2}"}}]}"""),
            Delta("{}", "\"tool_calls\""), """{"id":"r1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}""", "[DONE]", "no JSON, and nobody's concern");
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in Client().GetStreamingResponseAsync("hello"))
        {
            updates.Add(update);
        }

        JsonElement.Parse(_server.Seen[0].Body).GetProperty("stream_options").GetProperty("include_usage").GetBoolean().ShouldBeTrue();
        updates.Count(u => u.Text.Length > 0).ShouldBe(1);
        var answer = updates.ToChatResponse();
        (answer.Text, answer.FinishReason, answer.Usage!.OutputTokenCount).ShouldBe(("I look", ChatFinishReason.ToolCalls, 4));
        answer.Messages.ShouldHaveSingleItem().Contents.OfType<FunctionCallContent>().Select(c => $"{c.CallId} {c.Name} {string.Join(',', c.Arguments!.Select(a => $"{a.Key}={a.Value}"))}")
            .ShouldBe(["c1 find id=1", "c2 count a=2"]);
    }

    [Theory]
    [InlineData("<html>")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"choices":[]}""")]
    [InlineData("""{"choices":[5]}""")]
    [InlineData("""{"choices":[{"message":"hello"}]}""")]
    [InlineData("""{"choices":[{"message":{"content":["hello"]}}]}""")]
    [InlineData("""{"choices":[{"message":{"content":"hello","tool_calls":[{"id":"c"}]}}]}""")]
    [InlineData("""{"choices":[{"message":{"content":"hello"}}],"usage":5}""")]
    [InlineData("data: {\"nonsense\n\n")]
    [InlineData("data: {\"choices\":[5]}\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":5}}]}\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]},\"finish_reason\":\"tool_calls\"}]}\n\n")]
    public async Task What_is_no_such_answer_is_no_answer(string answer)
    {
        _answer = answer;
        await Should.ThrowAsync<JsonException>(AskAsync());
    }

    [Theory]
    [InlineData("""{"error":{"message":"inner words","code":502}}""")]
    [InlineData("data: {\"error\":{\"message\":\"inner words\"}}\n\n")]
    public async Task An_error_with_a_good_status_is_an_error(string answer)
    {
        _answer = answer;
        (await Should.ThrowAsync<ProviderRefusedException>(AskAsync())).Message.ShouldNotContain("inner words");
    }

    private async Task AskAsync()
    {
        if (!_answer.StartsWith("data:", StringComparison.Ordinal))
        {
            await Client().GetResponseAsync("hello");
            return;
        }

        await foreach (var update in Client().GetStreamingResponseAsync("hello"))
        {
            update.ShouldNotBeNull();
        }
    }

    private WireChatClient Client() => new(_http, TimeProvider.System, "openai", new Uri(_server.Address, "/v1/").ToString(), "key", "m");

    private static string Stream(params string[] chunks) => chunks.Aggregate(new StringBuilder(), (text, chunk) => text.Append("data: ").Append(chunk).Append("\n\n")).ToString();

    private static string Delta(string delta, string finish = "null") => $$"""{"id":"r1","model":"m","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finish}}}]}""";
}
