using System.Net;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Hosting;

public sealed class HeadTests
{
    [Theory]
    [InlineData("/hello", HttpStatusCode.OK)]
    [InlineData("/nowhere", HttpStatusCode.NotFound)]
    public async Task Head_answers_as_get_would_without_the_body(string path, HttpStatusCode expected)
    {
        await using var host = await DefaultsHost.StartAsync(app => app.MapGet("/hello", () => "hello").AllowAnonymous());
        using var got = await host.Client.GetAsync(path, TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Head, path);
        using var head = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);
        head.StatusCode.ShouldBe(expected);
        got.StatusCode.ShouldBe(expected);
        head.Content.Headers.ContentType.ShouldBe(got.Content.Headers.ContentType);
        (await head.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).ShouldBeEmpty();
    }
}
