using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using CityPulse.Api.Edge;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Shouldly;

namespace CityPulse.Tests.Api.Edge;

/// <summary>The edge alone, with a service behind it that tells what arrived there.</summary>
public sealed class EdgeTests : IAsyncLifetime
{
    private readonly TaskCompletionSource _more = new();
    private DefaultsHost _service = null!;
    private DefaultsHost _edge = null!;

    public async ValueTask InitializeAsync()
    {
        _service = await DefaultsHost.StartAsync(app =>
        {
            app.UseWebSockets();
            var group = app.MapGroup("").AllowAnonymous();
            group.MapMethods("/api/v1/ai/echo", ["GET", "POST"], async (HttpRequest request) => new
            {
                path = request.Path + request.QueryString.Value,
                method = request.Method,
                host = request.Host.Value,
                headers = request.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.ToString()),
                body = await new StreamReader(request.Body).ReadToEndAsync(),
            });
            group.MapGet("/api/v1/swarm/stream", async (HttpResponse response) =>
            {
                response.ContentType = "text/event-stream";
                await response.WriteAsync("data: one\n\n");
                await response.Body.FlushAsync();
                await _more.Task;
                await response.WriteAsync("data: two\n\n");
            });
            group.MapGet("/openapi/ai.json", () => "what the service says of itself");
            group.MapGet("/api/v1/ai/missing", () => Problems.NotFound("conversation"));
            group.MapGet("/ws/{**rest}", async (HttpContext context, string? rest) =>
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                var buffer = new byte[1024];
                while (true)
                {
                    var received = await socket.ReceiveAsync(buffer, CancellationToken.None);
                    if (received.MessageType == WebSocketMessageType.Close)
                    {
                        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
                        return;
                    }

                    await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, CancellationToken.None);
                }
            });
        }, settings: new() { ["Features:Swarm"] = "true" });
        _edge = await StartEdgeAsync(_service.Address.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        _more.TrySetResult();
        await _edge.DisposeAsync();
        await _service.DisposeAsync();
    }

    private static Task<DefaultsHost> StartEdgeAsync(string service, params (string Key, string Value)[] settings) => DefaultsHost.StartAsync(
        app => app.MapEdge(),
        builder => builder.AddEdge(),
        settings: new(settings.Select(s => new KeyValuePair<string, string?>(s.Key, s.Value)))
        {
            ["services:realtime:http:0"] = service, ["services:aigateway:http:0"] = service, ["Features:Swarm"] = "true",
        });

    [Fact]
    public async Task What_is_handed_on_is_counted_once_where_it_arrives()
    {
        await using var service = await DefaultsHost.StartAsync(
            app => app.MapGet("/api/v1/ai/models", () => "models").AllowAnonymous(), settings: new() { ["RATE_LIMITING_ENABLED"] = "true" });
        await using var edge = await StartEdgeAsync(service.Address.ToString(), ("RATE_LIMITING_ENABLED", "true"));
        for (var left = 99; left > 96; left--)
        {
            using var answer = await edge.Client.GetAsync("/api/v1/ai/models");
            answer.Headers.GetValues("RateLimit").ShouldHaveSingleItem().ShouldStartWith($"\"ai\";r={left};t=");
        }

        using var direct = await service.Client.GetAsync("/api/v1/ai/models");
        direct.Headers.GetValues("RateLimit").ShouldHaveSingleItem().ShouldStartWith("\"ai\";r=96;t=");
    }

    [Theory]
    [InlineData("AI_MODELS_ENABLED", "/api/v1/ai/echo", "ai")]
    [InlineData("AI_MODELS_ENABLED", "/api/v1/swarm/stream", "swarm")]
    [InlineData("WEBSOCKET_ENABLED", "/ws", "realtime")]
    public async Task What_is_switched_off_is_not_there(string key, string path, string feature)
    {
        await using var edge = await StartEdgeAsync(_service.Address.ToString(), (key, "false"));
        using var answer = await edge.Client.GetAsync(path);
        await answer.ShouldBeProblemAsync(HttpStatusCode.NotFound);
        var info = JsonNode.Parse(await edge.Client.GetStringAsync("/api/v1/info"))!;
        info["features"]![feature]!.GetValue<bool>().ShouldBeFalse();
        info["endpoints"]!.AsArray().Select(e => e!.GetValue<string>()).ShouldNotContain(root => path.StartsWith(root, StringComparison.Ordinal));
    }

    private async Task<JsonNode> EchoAsync(HttpRequestMessage request)
    {
        using (request)
        {
            using var response = await _edge.Client.SendAsync(request);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        }
    }

    [Fact]
    public async Task A_call_arrives_as_it_was_sent()
    {
        var echo = await EchoAsync(new(HttpMethod.Post, "/api/v1/ai/echo?q=a%20b") { Content = new StringContent("{\"a\":1}", Encoding.UTF8, "application/json") });
        echo["path"]!.GetValue<string>().ShouldBe("/api/v1/ai/echo?q=a%20b");
        echo["method"]!.GetValue<string>().ShouldBe("POST");
        echo["body"]!.GetValue<string>().ShouldBe("{\"a\":1}");
        echo["host"]!.GetValue<string>().ShouldBe(_edge.Address.Authority);
        echo["headers"]!["content-type"]!.GetValue<string>().ShouldBe("application/json; charset=utf-8");
    }

    [Fact]
    public async Task The_service_learns_the_client_from_the_edge_alone()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/ai/echo");
        request.Headers.Add("X-Forwarded-For", "203.0.113.7");
        request.Headers.Add("X-Forwarded-Proto", "https");
        request.Headers.Add("X-Forwarded-Host", "evil.example");
        request.Headers.Add("Forwarded", "for=203.0.113.7");
        request.Headers.Add("X-Real-IP", "203.0.113.7");
        request.Headers.Add(CityHeaders.InternalKey, "guess");
        request.Headers.Add(CityHeaders.RequestId, "mine");
        request.Headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        request.Headers.Authorization = new("Bearer", "token");
        var headers = (await EchoAsync(request))["headers"]!;
        headers["x-forwarded-for"]!.GetValue<string>().ShouldBe("127.0.0.1");
        headers["x-forwarded-proto"]!.GetValue<string>().ShouldBe("http");
        headers["x-forwarded-host"]!.GetValue<string>().ShouldBe(_edge.Address.Authority);
        headers["forwarded"].ShouldBeNull();
        headers["x-real-ip"].ShouldBeNull();
        headers["x-internal-key"].ShouldBeNull();
        headers["x-request-id"]!.GetValue<string>().ShouldBe("mine");
        headers["traceparent"]!.GetValue<string>().ShouldStartWith("00-0af7651916cd43dd8448eb211c80319c-");
        headers["traceparent"]!.GetValue<string>().ShouldNotContain("b7ad6b7169203331");
        headers["authorization"]!.GetValue<string>().ShouldBe("Bearer token");
    }

    [Fact]
    public async Task Headers_that_both_set_come_once()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/ai/echo");
        using var response = await _edge.Client.SendAsync(request);
        foreach (var name in (string[])["X-Request-Id", "X-Content-Type-Options", "Content-Security-Policy"])
        {
            response.Headers.GetValues(name).ShouldHaveSingleItem();
        }
    }

    [Fact]
    public async Task A_stream_is_not_held_back()
    {
        using var response = await _edge.Client.GetAsync("/api/v1/swarm/stream", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        // The service has not written the second event yet, and does so only now.
        (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20))).ShouldBe("data: one");
        _more.SetResult();
        (await reader.ReadToEndAsync()).ShouldContain("data: two");
    }

    [Theory]
    [InlineData("/ws")]
    [InlineData("/ws/")]
    [InlineData("/ws/?EIO=4&transport=websocket")]
    public async Task A_socket_goes_through(string path)
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://{_edge.Address.Authority}{path}"), CancellationToken.None);
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
        var buffer = new byte[16];
        var received = await socket.ReceiveAsync(buffer, CancellationToken.None);
        Encoding.UTF8.GetString(buffer, 0, received.Count).ShouldBe("hello");
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
    }

    [Fact]
    public async Task A_problem_of_the_service_stays_the_services()
    {
        using var response = await _edge.Client.GetAsync("/api/v1/ai/missing");
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.NotFound);
        problem["detail"]!.GetValue<string>().ShouldBe("There is no such conversation.");
    }

    [Fact]
    public async Task A_service_that_is_away_is_502_and_comes_back()
    {
        await using var edge = await StartEdgeAsync($"http://127.0.0.1:{TestStores.FreePort()}");
        using var response = await edge.Client.GetAsync("/api/v1/ai/models");
        await response.ShouldBeProblemAsync(HttpStatusCode.BadGateway);
    }

    [Fact]
    public async Task The_info_names_what_there_is()
    {
        var info = JsonNode.Parse(await _edge.Client.GetStringAsync("/api/v1/info"))!;
        info.AsObject().Select(m => m.Key).ShouldBe(["name", "version", "environment", "apiVersion", "features", "endpoints", "documentation"]);
        info["name"]!.GetValue<string>().ShouldBe("CityPulse");
        info["features"]!.AsObject().Select(m => m.Key).ShouldBe(["citypulse", "ai", "swarm", "realtime"]);
        info["endpoints"]!.AsArray().Select(e => e!.GetValue<string>()).ShouldBe(["/api/v1/ai", "/api/v1/info", "/api/v1/swarm", "/ws"]);
        info["documentation"]!.GetValue<string>().ShouldBe("/docs");
    }

    [Fact]
    public async Task The_documentation_is_served_from_here_under_a_strict_policy()
    {
        using var page = await _edge.Client.GetAsync("/docs/");
        page.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await _edge.Client.GetStringAsync("/openapi/ai.json")).ShouldBe("what the service says of itself");
        var html = await page.Content.ReadAsStringAsync();
        html.ShouldNotContain("https://cdn");
        var policy = page.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem();
        var nonce = policy.Split("'nonce-")[1].Split('\'')[0];
        html.ShouldContain($"nonce=\"{nonce}\"");
        policy.ShouldNotContain("http");
        policy.Split(';').First(p => p.Contains("script-src")).ShouldNotContain("unsafe");
    }
}
