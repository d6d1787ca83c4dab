using System.Text.Json.Nodes;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Edge;

public sealed class OpenApiTests(TestStores stores)
{
    [Fact]
    public async Task The_document_says_who_may_call_and_what_may_go_wrong()
    {
        var host = await ApiHost.SharedAsync(stores);
        using var client = host.CreateClient();
        var document = JsonNode.Parse(await client.GetStringAsync("/openapi/v1.json"))!;

        document["openapi"]!.GetValue<string>().ShouldStartWith("3.");
        document["components"]!["securitySchemes"]!.AsObject().Select(s => s.Key).ShouldBe(["bearer", "apiKey"]);
        var paths = document["paths"]!.AsObject();
        paths.Select(p => p.Key).ShouldNotContain(p => p.StartsWith("/internal", StringComparison.Ordinal));
        foreach (var path in (string[])["/health", "/health/live", "/health/ready", "/api/v1/info"])
        {
            paths[path]!["get"]!["security"].ShouldBeNull();
        }

        var list = paths["/api/v1/citypulse/buildings"]!["get"]!;
        list["security"]!.AsArray().ShouldHaveSingleItem()!.AsObject().ContainsKey("bearer").ShouldBeTrue();
        foreach (var status in (string[])["400", "401", "403", "default"])
        {
            list["responses"]![status]!["content"]!["application/problem+json"]!["schema"]!["$ref"]!.GetValue<string>().ShouldBe("#/components/schemas/Problem");
        }

        paths.SelectMany(p => p.Value!.AsObject()).Where(o => o.Value is JsonObject).SelectMany(o => o.Value!["parameters"]?.AsArray() ?? [])
            .Where(p => p!["in"]!.GetValue<string>() == "query").Select(p => p!["name"]!.GetValue<string>())
            .ShouldAllBe(name => char.IsAsciiLetterLower(name[0]));

        var ingest = paths["/api/v1/citypulse/sensors/readings"]!["post"]!;
        ingest["security"]!.AsArray().Count.ShouldBe(2);
        document.ToJsonString().ShouldContain("\"date-time\"");
    }
}
