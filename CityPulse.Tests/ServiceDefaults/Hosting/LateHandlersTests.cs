using System.Net;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Hosting;

public sealed class LateHandlersTests
{
    private sealed record Unbindable(string One);

    [Fact]
    public async Task Many_first_requests_at_once_are_all_answered()
    {
        await using var host = await DefaultsHost.StartAsync(app => app.MapGet("/things/{id:int}", (int id, string? name) => $"{id} {name}").AllowAnonymous());
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => host.Client.GetStringAsync($"/things/{i}?name=n{i}")));
        answers.ShouldBe(Enumerable.Range(0, 20).Select(i => $"{i} n{i}"));
        (await host.Client.GetAsync("/things/x")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Filters_and_what_a_handler_tells_of_itself_are_there()
    {
        await using var host = await DefaultsHost.StartAsync(app => app.MapPost("/things", (HttpContext _) => TypedResults.NoContent())
            .AddEndpointFilter((_, _) => ValueTask.FromResult<object?>(TypedResults.Conflict()))
            .AllowAnonymous());
        var endpoint = host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Single(e => e.RoutePattern.RawText == "/things");
        endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.ShouldBe(["POST"]);
        endpoint.Metadata.OfType<Microsoft.AspNetCore.Http.Metadata.IProducesResponseTypeMetadata>().ShouldContain(m => m.StatusCode == 204);
        (await host.Client.PostAsync("/things", null)).StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task A_handler_that_cannot_be_bound_stops_the_start()
    {
        var refused = await Should.ThrowAsync<InvalidOperationException>(
            () => DefaultsHost.StartAsync(app => app.MapGet("/things", (Unbindable _) => "never").AllowAnonymous()));
        refused.Message.ShouldContain("Body was inferred");
    }
}
