using System.Net;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Hosting;

public sealed class HttpClientTests
{
    /// <summary>A service that fails the first call and answers the second.</summary>
    [Theory]
    [InlineData("GET", HttpStatusCode.OK, 2)]
    [InlineData("POST", HttpStatusCode.ServiceUnavailable, 1)]
    [InlineData("PATCH", HttpStatusCode.ServiceUnavailable, 1)]
    public async Task Only_what_may_be_repeated_is(string method, HttpStatusCode status, int calls)
    {
        var seen = 0;
        await using var service = await DefaultsHost.StartAsync(app => app.MapMethods(
            "/thing", [method], () => Interlocked.Increment(ref seen) == 1 ? Results.StatusCode(503) : Results.Ok()).AllowAnonymous());
        await using var caller = await DefaultsHost.StartAsync(settings: new() { ["services:thing:http:0"] = service.Address.ToString() });
        using var client = caller.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
        using var request = new HttpRequestMessage(new HttpMethod(method), "http://thing/thing");
        using var response = await client.SendAsync(request);
        response.StatusCode.ShouldBe(status);
        seen.ShouldBe(calls);
    }
}
