using System.Net;
using System.Text;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Logging;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Errors;

/// <summary>The same in both environments: what helps a developer here must not be the only thing that tells a client.</summary>
public abstract class ErrorPipelineTests(string environment) : IAsyncLifetime
{
    private DefaultsHost _host = null!;

    public enum Colour
    {
        Red,
        DarkBlue,
    }

    public sealed record Inner(string City, double Value);

    public sealed record Thing(
        string Name, int Count = 0, double? Value = null, DateTimeOffset? At = null, Guid? Id = null, bool Flag = false,
        Colour Colour = Colour.Red, Inner? Address = null, List<Inner>? Items = null);

    public async ValueTask InitializeAsync() => _host = await DefaultsHost.StartAsync(
        app =>
        {
            var open = app.MapGroup("").AllowAnonymous();
            open.MapPost("/things", (Thing thing) => thing);
            open.MapPost("/small", (Thing thing) => thing).WithMetadata(new RequestSizeLimitAttribute(100));
            open.MapGet("/number", (int limit, DateTimeOffset? from) => limit);
            open.MapGet("/fault", object () => throw new InvalidOperationException("secret: the password"));
            open.MapGet("/upstream", object () => JsonSerializer.Deserialize<Thing>("{")!);
            open.MapPost("/raw", async (HttpRequest request) => await JsonSerializer.DeserializeAsync<JsonElement>(request.Body));
            open.MapGet("/limited", () => Results.StatusCode(429));
            open.MapGet("/time", () => new { at = new DateTimeOffset(2026, 11, 24, 12, 0, 0, TimeSpan.FromHours(2)), colour = Colour.DarkBlue, role = Role.Admin, frontend = Frontend.FlowMind });
        },
        environment: environment);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    private Task<HttpResponseMessage> PostAsync(string path, string json, string type = "application/json") =>
        _host.SendAsync(HttpMethod.Post, path, new StringContent(json, Encoding.UTF8, type));

    [Theory]
    [InlineData("""{"name":"a","nmae":"b"}""", "nmae", "There is no such member.")]
    [InlineData("""{"name":"a","address":{"city":"x","value":1,"zip":2}}""", "address.zip", "There is no such member.")]
    [InlineData("""{"Name":"a"}""", "Name", "There is no such member.")]
    [InlineData("""{"name":"a","count":"5"}""", "count", "whole number")]
    [InlineData("""{"name":"a","count":1.5}""", "count", "whole number")]
    [InlineData("""{"name":"a","value":"NaN"}""", "value", "number")]
    [InlineData("""{"name":"a","at":"2026-01-01T00:00:00"}""", "at", "offset")]
    [InlineData("""{"name":"a","at":"yesterday"}""", "at", "offset")]
    [InlineData("""{"name":"a","at":5}""", "at", "offset")]
    [InlineData("""{"name":"a","id":"5"}""", "id", "UUID")]
    [InlineData("""{"name":"a","flag":"true"}""", "flag", "true or false")]
    [InlineData("""{"name":"a","colour":"green"}""", "colour", "red, dark_blue")]
    [InlineData("""{"name":"a","colour":1}""", "colour", "red, dark_blue")]
    [InlineData("""{"name":5}""", "name", "string")]
    [InlineData("""{"name":null}""", "name", "null")]
    [InlineData("""{"name":"a","name":"b"}""", "name", "twice")]
    [InlineData("""{"name":"a","items":[{"city":"x","value":1},{"city":"y","value":"2"}]}""", "items[1].value", "number")]
    [InlineData("""{"name":"a","items":{}}""", "items", "list")]
    [InlineData("""{"name":"a" "count":1}""", "$", "valid JSON at line 1")]
    [InlineData("""{"name":"a",""", "$", "valid JSON")]
    [InlineData("not json", "$", "valid JSON")]
    [InlineData("null", "$", "body is required")]
    [InlineData("", "$", "body is required")]
    [InlineData("[]", "$", "object")]
    public async Task A_body_that_does_not_bind_is_400_and_names_place_and_fault(string json, string path, string fault)
    {
        using var response = await PostAsync("/things", json);
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        var error = problem.Errors().ShouldHaveSingleItem();
        error.Key.ShouldBe(path);
        error.Value.ShouldContain(fault);
        problem.ToJsonString().ShouldNotContain("System.");
        error.Value.ShouldNotContain("Thing");
    }

    [Theory]
    [InlineData("/number", "limit")]
    [InlineData("/number?limit=abc", "limit")]
    [InlineData("/number?limit=1&from=then", "from")]
    public async Task A_parameter_that_does_not_bind_is_400_and_is_named(string path, string parameter)
    {
        using var response = await _host.SendAsync(HttpMethod.Get, path);
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        problem.Errors().Keys.ShouldBe([parameter]);
    }

    [Fact]
    public async Task A_raw_body_that_is_no_json_is_400()
    {
        using var response = await PostAsync("/raw", "{]");
        await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Another_method_is_405_with_Allow()
    {
        using var response = await _host.SendAsync(HttpMethod.Delete, "/things");
        await response.ShouldBeProblemAsync(HttpStatusCode.MethodNotAllowed);
        response.Content.Headers.Allow.ShouldBe(["POST"]);
    }

    [Fact]
    public async Task Nothing_there_is_404_whatever_the_client_accepts()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/nowhere?secret=1");
        request.Headers.Accept.ParseAdd("text/html");
        using var response = await _host.Client.SendAsync(request);
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.NotFound);
        problem["instance"]!.GetValue<string>().ShouldBe("/nowhere");
    }

    [Fact]
    public async Task Nothing_there_is_404_for_callers_too()
    {
        using var response = await _host.SendAsync(HttpMethod.Get, "/nowhere", role: Role.User);
        await response.ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Too_much_is_413_another_type_415_too_often_429()
    {
        using var large = await PostAsync("/small", $$"""{"name":"{{new string('x', 200)}}"}""");
        await large.ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        using var typed = await PostAsync("/things", "name=a", "application/x-www-form-urlencoded");
        await typed.ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType);
        using var limited = await _host.SendAsync(HttpMethod.Get, "/limited");
        await limited.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests);
    }

    [Theory]
    [InlineData("/fault")]
    [InlineData("/upstream")]
    public async Task A_fault_is_500_tells_nothing_and_is_logged_once_with_its_id(string path)
    {
        using var response = await _host.SendAsync(HttpMethod.Get, path);
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.InternalServerError);
        problem.ToJsonString().ShouldNotContain("password");
        var id = problem["errorId"]!.GetValue<string>();
        _host.Log.Lines.Where(l => l.Level >= LogLevel.Error).ShouldHaveSingleItem().Message.ShouldContain(id);
    }

    [Fact]
    public async Task Json_out_has_Z_times_and_words_for_enums()
    {
        var text = await _host.Client.GetStringAsync("/time");
        text.ShouldBe("""{"at":"2026-11-24T10:00:00Z","colour":"dark_blue","role":"Admin","frontend":"flowmind"}""");
    }

    [Fact]
    public async Task Every_answer_has_a_request_id_and_keeps_a_valid_one()
    {
        var id = await IdAsync("/time", null);
        id.Length.ShouldBe(32);
        (Guid.Parse(id).Version, Guid.Parse(id).Variant & 0xC).ShouldBe((7, 8));
        (await IdAsync("/time", null)).ShouldNotBe(id);
        (await IdAsync("/time", "abc-1.2_3")).ShouldBe("abc-1.2_3");
        (await IdAsync("/fault", "abc")).ShouldBe("abc");
        (await IdAsync("/nowhere", "abc")).ShouldBe("abc");
        (await IdAsync("/time", "a b")).Length.ShouldBe(32);
        (await IdAsync("/time", new string('a', 129))).Length.ShouldBe(32);
    }

    [Fact]
    public async Task The_callers_trace_is_the_problems_trace()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/nowhere");
        request.Headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        using var response = await _host.Client.SendAsync(request);
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.NotFound);
        problem["traceId"]!.GetValue<string>().ShouldBe("0af7651916cd43dd8448eb211c80319c");
    }

    private async Task<string> IdAsync(string path, string? sent)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (sent is not null)
        {
            request.Headers.TryAddWithoutValidation(CityHeaders.RequestId, sent);
        }

        using var response = await _host.Client.SendAsync(request);
        return response.Headers.GetValues(CityHeaders.RequestId).ShouldHaveSingleItem();
    }

    public sealed class InDevelopment() : ErrorPipelineTests("Development");

    public sealed class InProduction() : ErrorPipelineTests("Production");
}
