using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using CityPulse.Contracts;
using Shouldly;

namespace CityPulse.Tests.Support;

internal static class ProblemAssertions
{
    /// <summary>The answer is problem details, whole and of that status; gives its members for more questions.</summary>
    public static async Task<JsonObject> ShouldBeProblemAsync(this HttpResponseMessage response, HttpStatusCode status)
    {
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(status, text);
        response.Content.Headers.ContentType?.MediaType.ShouldBe("application/problem+json");
        var problem = JsonSerializer.Deserialize<JsonObject>(text).ShouldNotBeNull();
        problem["status"]!.GetValue<int>().ShouldBe((int)status);
        foreach (var member in (string[])["type", "title", "detail", "instance", "errorId", "traceId"])
        {
            problem[member]?.GetValue<string>().ShouldNotBeNullOrWhiteSpace($"{member} in {text}");
        }

        response.Headers.GetValues(CityHeaders.ErrorId).ShouldHaveSingleItem().ShouldBe(problem["errorId"]!.GetValue<string>());
        text.ShouldNotContain("Exception");
        text.ShouldNotContain("   at ");
        return problem;
    }

    /// <summary>What is wrong, by JSON path.</summary>
    public static Dictionary<string, string> Errors(this JsonObject problem) =>
        problem["errors"]!.AsObject().ToDictionary(e => e.Key, e => string.Join(' ', e.Value!.AsArray().Select(m => m!.GetValue<string>())));
}
