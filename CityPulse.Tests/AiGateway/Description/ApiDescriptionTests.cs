using System.Text.Json.Nodes;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Description;

public sealed class ApiDescriptionTests(ChatFixture fixture) : IClassFixture<ChatFixture>
{
    [Fact]
    public async Task The_document_says_what_clients_may_send_and_get()
    {
        using var client = new HttpClient { BaseAddress = fixture.Gateway.BaseAddress };
        var text = await client.GetStringAsync("/openapi/ai.json");
        (await client.GetStringAsync("/openapi/v1.json")).ShouldBe(text);
        var document = JsonNode.Parse(text)!;
        document["components"]!["securitySchemes"]!.AsObject().Select(s => s.Key).ShouldBe(["bearer"]);
        var paths = document["paths"]!.AsObject();
        paths.Select(p => p.Key).Where(p => p.StartsWith("/api/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ShouldBe([
            "/api/v1/ai/chat", "/api/v1/ai/chat/events", "/api/v1/ai/conversations", "/api/v1/ai/conversations/{id}", "/api/v1/ai/models", "/api/v1/ai/usage",
            "/api/v1/ai/v1/chat/completions", "/api/v1/ai/v1/models", "/api/v1/ai/v1/models/{id}",
            "/api/v1/swarm/orchestrate", "/api/v1/swarm/runs", "/api/v1/swarm/runs/{id}", "/api/v1/swarm/runs/{id}/cancel", "/api/v1/swarm/runs/{id}/events"]);
        foreach (var operation in paths.Where(p => p.Key.StartsWith("/api/", StringComparison.Ordinal)).SelectMany(p => p.Value!.AsObject()).Select(o => o.Value!))
        {
            var name = operation["operationId"]!.GetValue<string>();
            operation["security"]!.AsArray().ShouldHaveSingleItem()!.AsObject().ContainsKey("bearer").ShouldBeTrue(name);
            operation["responses"]!["429"]!["headers"]!["Retry-After"].ShouldNotBeNull(name);
            (operation["parameters"]?.AsArray() ?? []).ShouldAllBe(p => p!["in"]!.GetValue<string>() == "path" || p["description"] != null, name);
            // A stream is no answer in JSON, whatever an answer in one piece is.
            operation["responses"]!["200"]?["content"]?["text/event-stream"]?["schema"]!["type"]!.GetValue<string>().ShouldBe("string", name);
        }

        var chat = paths["/api/v1/ai/chat"]!["post"]!;
        chat["requestBody"]!["content"]!["application/json"]!["example"]!["message"].ShouldNotBeNull();
        chat["responses"]!["402"]!["description"]!.GetValue<string>().ShouldContain("resetsAt");
        var schemas = document["components"]!["schemas"]!;
        schemas["ChatRequest"]!["required"]!.AsArray().Select(n => n!.GetValue<string>()).ShouldBe(["message"]);
        schemas["ChatCompletionRequest"]!["required"]!.AsArray().Select(n => n!.GetValue<string>()).ShouldBe(["model", "messages"], ignoreOrder: true);
        var door = paths["/api/v1/ai/v1/chat/completions"]!["post"]!;
        door["responses"]!["400"]!["content"]!["application/problem+json"]!["schema"]!["$ref"]!.GetValue<string>().ShouldBe("#/components/schemas/OpenAiProblem");
        schemas["OpenAiProblem"].ShouldNotBeNull();
        foreach (var (path, method) in (IEnumerable<(string, string)>)[("conversations/{id}", "get"), ("conversations/{id}", "delete"), ("v1/models/{id}", "get")])
        {
            paths[$"/api/v1/ai/{path}"]![method]!["responses"]!["404"].ShouldNotBeNull(path);
        }

        var orchestrate = paths["/api/v1/swarm/orchestrate"]!["post"]!;
        orchestrate["parameters"]!.AsArray().Select(p => p!["name"]!.GetValue<string>()).ShouldBe(["Idempotency-Key"]);
        orchestrate["responses"]!["202"]!["headers"]!["Location"].ShouldNotBeNull();
        paths["/api/v1/swarm/runs/{id}/events"]!["get"]!["parameters"]!.AsArray().Select(p => p!["name"]!.GetValue<string>()).ShouldBe(["id", "Last-Event-ID"]);
        paths["/api/v1/swarm/runs/{id}"]!["get"]!["responses"]!["304"].ShouldNotBeNull();
    }
}
