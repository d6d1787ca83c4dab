using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using CityPulse.Bench.Drills;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Http;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Chat;

/// <summary>Two replicas, and a provider that says a word and then waits until a test lets it go on.</summary>
public sealed class WaitingProvider(TestStores stores) : IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _gates = new();
    private readonly TestTokens _tokens = new();
    private FakeServer _provider = null!;
    private FakeServer _api = null!;

    internal IReadOnlyList<GatewayHost> Replicas { get; private set; } = [];

    /// <summary>Between the first replica and Redis.</summary>
    internal Link ToRedis { get; private set; } = null!;

    /// <summary>Ends when the gateway ended the request of that message.</summary>
    internal ConcurrentDictionary<string, TaskCompletionSource> Left { get; } = new();

    internal string Issue() => _tokens.Issue();

    internal void LetGo(string message) => _gates.GetOrAdd(message, _ => new()).TrySetResult();

    public async ValueTask InitializeAsync()
    {
        _api = await FakeApi.StartAsync();
        _provider = await FakeServer.StartAsync(AnswerAsync);
        var settings = new Dictionary<string, string?>
        {
            ["Ai:AllowPrivateBaseUrls"] = "true",
            ["Ai:Providers:OpenAi:ApiKey"] = "sk-very-secret",
            ["Ai:Providers:OpenAi:BaseUrl"] = new Uri(_provider.Address, "/v1").ToString(),
            ["Ai:Providers:OpenAi:Model"] = "some-model",
            ["Ai:HeartbeatSeconds"] = "1",
            ["Ai:ResumeSeconds"] = "1",
        };
        ToRedis = new Link(int.Parse((await stores.GetRedisAsync()).Split(':')[1], CultureInfo.InvariantCulture));
        var first = await GatewayHost.StartAsync(stores, _api.Address, _tokens, new(settings) { ["ConnectionStrings:redis"] = $"127.0.0.1:{ToRedis.Port}" });
        Replicas = [first, await GatewayHost.StartAsync(stores, _api.Address, _tokens, settings, first.Database)];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in Replicas)
        {
            await replica.DisposeAsync();
        }

        await ToRedis.DisposeAsync();
        await _provider.DisposeAsync();
        await _api.DisposeAsync();
        _tokens.Dispose();
    }

    private async Task AnswerAsync(HttpContext context, SeenRequest request)
    {
        var message = JsonElement.Parse(request.Body).GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!;
        context.Response.ContentType = "text/event-stream";
        await SayAsync("""{"role":"assistant","content":"One "}""");
        var left = new TaskCompletionSource();
        await using var registration = context.RequestAborted.Register(() => left.TrySetResult());
        if (await Task.WhenAny(_gates.GetOrAdd(message, _ => new()).Task, left.Task) == left.Task)
        {
            Left.GetOrAdd(message, _ => new()).TrySetResult();
            return;
        }

        await SayAsync("""{"content":"two "}""");
        await SayAsync("""{"content":"three."}""", "\"stop\"");
        await context.Response.WriteAsync("data: [DONE]\n\n");

        async Task SayAsync(string delta, string finish = "null")
        {
            await context.Response.WriteAsync(
                $$"""data: {"id":"r1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finish}} }]}""" + "\n\n");
            await context.Response.Body.FlushAsync();
        }
    }
}

/// <summary>A streamed answer over connections that break.</summary>
public sealed class ChatStreamTests(WaitingProvider fixture) : IClassFixture<WaitingProvider>
{
    [Theory]
    [InlineData("POST", 0)]
    [InlineData("GET", 0)]
    [InlineData("POST", 1)]
    [InlineData("GET", 1)]
    public async Task A_reader_who_comes_back_gets_the_rest_at_any_replica(string method, int replica)
    {
        var (token, message) = (fixture.Issue(), $"{Guid.NewGuid()}");
        using var client = fixture.Replicas[0].CreateClient(token);
        var first = await ReadUntilAsync(client, message, "delta");
        first.Data.ShouldBe("""{"content":"One "}""");

        using var other = fixture.Replicas[replica].CreateClient(token);
        using var back = await ResumeAsync(other, method, message, first.Id);
        fixture.LetGo(message);
        var rest = await ReadAllAsync(back);
        rest.Select(e => e.Type).ShouldBe(["delta", "delta", "done"]);
        rest.Select(e => e.Id).ShouldBe([Next(first.Id, 1), Next(first.Id, 2), Next(first.Id, 3)]);
        rest[0].Data.ShouldBe("""{"content":"two "}""");
        JsonElement.Parse(rest[^1].Data).GetProperty("message").GetProperty("content").GetString().ShouldBe("One two three.");

        // And again, when all of it is over; from anywhere in it.
        using var again = await ResumeAsync(other, method, message, rest[0].Id);
        (await ReadAllAsync(again)).ShouldBe(rest[1..]);
        using var after = await ResumeAsync(other, method, message, Next(first.Id, -1));
        (await ReadAllAsync(after)).ShouldBe([first, .. rest]);
    }

    [Fact]
    public async Task Who_has_an_event_finds_it_at_another_replica_however_slow_the_way_to_redis_is()
    {
        var (token, message) = (fixture.Issue(), $"{Guid.NewGuid()}");
        using var client = fixture.Replicas[0].CreateClient(token);
        using var other = fixture.Replicas[1].CreateClient(token);
        fixture.ToRedis.Delay = TimeSpan.FromMilliseconds(300);
        try
        {
            var first = await ReadUntilAsync(client, message, "delta");
            using var back = await ResumeAsync(other, "GET", message, first.Id);
            back.StatusCode.ShouldBe(HttpStatusCode.OK);
        }
        finally
        {
            fixture.ToRedis.Delay = TimeSpan.Zero;
            fixture.LetGo(message);
        }
    }

    [Fact]
    public async Task A_turn_that_nobody_comes_back_for_is_ended_at_the_provider_too()
    {
        var (token, message) = (fixture.Issue(), $"{Guid.NewGuid()}");
        using var client = fixture.Replicas[0].CreateClient(token);
        var first = await ReadUntilAsync(client, message, "delta");
        await fixture.Left.GetOrAdd(message, _ => new()).Task.WaitAsync(TimeSpan.FromSeconds(30));

        using var late = await ResumeAsync(client, "GET", message, first.Id);
        var rest = await ReadAllAsync(late);
        (rest[^1].Type, JsonElement.Parse(rest[^1].Data).GetProperty("code").GetString()).ShouldBe(("error", "abandoned"));
    }

    [Fact]
    public async Task A_silent_stream_says_that_it_is_there()
    {
        var message = $"{Guid.NewGuid()}";
        using var client = fixture.Replicas[0].CreateClient(fixture.Issue());
        using var response = await SendAsync(client, HttpMethod.Post, message, lastEventId: null);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        string? line;
        do
        {
            line = await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        }
        while (line is not null && !line.StartsWith(':'));
        line.ShouldNotBeNull();
        fixture.LetGo(message);
        (await reader.ReadToEndAsync()).ShouldContain("event: done");
    }

    [Fact]
    public async Task An_answer_is_its_callers_only()
    {
        var (token, message) = (fixture.Issue(), $"{Guid.NewGuid()}");
        using var client = fixture.Replicas[0].CreateClient(token);
        fixture.LetGo(message);
        var first = await ReadUntilAsync(client, message, "delta");
        foreach (var replica in fixture.Replicas)
        {
            using var stranger = replica.CreateClient(fixture.Issue());
            await (await ResumeAsync(stranger, "GET", message, first.Id)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
            await (await ResumeAsync(stranger, "POST", message, first.Id)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
            await (await ResumeAsync(stranger, "GET", message, $"{Guid.CreateVersion7():N}-1")).ShouldBeProblemAsync(HttpStatusCode.NotFound);
            (await (await ResumeAsync(stranger, "GET", message, "17")).ShouldBeProblemAsync(HttpStatusCode.BadRequest)).Errors().Keys.ShouldBe(["Last-Event-ID"]);
        }
    }

    private static string Next(string id, int by)
    {
        var parts = id.Split('-');
        return $"{parts[0]}-{int.Parse(parts[1], CultureInfo.InvariantCulture) + by}";
    }

    /// <summary>Reads as far as an event of a type, and breaks off.</summary>
    private static async Task<WireEvent> ReadUntilAsync(HttpClient client, string message, string type)
    {
        using var response = await SendAsync(client, HttpMethod.Post, message, lastEventId: null);
        await foreach (var one in EventsAsync(response))
        {
            if (one.Type == type)
            {
                return one;
            }
        }

        throw new InvalidOperationException($"There was no {type}.");
    }

    private static Task<HttpResponseMessage> ResumeAsync(HttpClient client, string method, string message, string lastEventId) =>
        SendAsync(client, new HttpMethod(method), message, lastEventId);

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, HttpMethod method, string message, string? lastEventId)
    {
        using var request = new HttpRequestMessage(method, method == HttpMethod.Get ? "/api/v1/ai/chat/events" : "/api/v1/ai/chat");
        if (method == HttpMethod.Post)
        {
            request.Content = JsonContent.Create(new { message, stream = true });
        }

        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static async Task<List<WireEvent>> ReadAllAsync(HttpResponseMessage response)
    {
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var events = new List<WireEvent>();
        await foreach (var one in EventsAsync(response))
        {
            events.Add(one);
        }

        return events;
    }

    private static async IAsyncEnumerable<WireEvent> EventsAsync(HttpResponseMessage response)
    {
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var (id, type) = ("", "");
        while (await reader.ReadLineAsync() is { } line)
        {
            switch (line.Split(": ", 2))
            {
                case ["id", var value]:
                    id = value;
                    break;
                case ["event", var value]:
                    type = value;
                    break;
                case ["data", var value]:
                    yield return new WireEvent(id, type, value);
                    break;
            }
        }
    }

    private sealed record WireEvent(string Id, string Type, string Data);
}
