using System.Net;
using System.Text;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Hosting;

/// <summary>Bodies that nothing has to be found out about, and those that only look so.</summary>
public sealed class PlainBodyTests : IAsyncLifetime
{
    private DefaultsHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await DefaultsHost.StartAsync(app =>
    {
        app.MapPost("/json", (string[] words) => words.Length).AllowAnonymous().WithMetadata(new RequestSizeLimitAttribute(10));
        app.MapPost("/csv", async (HttpRequest request) => (await new StreamReader(request.Body).ReadToEndAsync()).Length).Accepts<string>("text/csv").AllowAnonymous();
        app.MapPost("/any", async (HttpRequest request) => (await new StreamReader(request.Body).ReadToEndAsync()).Length).AllowAnonymous();
    });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("/json", "application/json", null, """["a","b"]""", HttpStatusCode.OK)]
    [InlineData("/json", "application/json", null, """["a","b"  ]""", HttpStatusCode.RequestEntityTooLarge)]
    [InlineData("/json", "application/json", "identity", """["a","b"]""", HttpStatusCode.OK)]
    [InlineData("/json", "application/json", "zstd", """["a","b"]""", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("/json", "application/json", "gzip", """["a","b"]""", HttpStatusCode.BadRequest)]
    [InlineData("/json", "text/csv", null, """["a","b"]""", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("/json", "application/json", null, "", HttpStatusCode.BadRequest)]
    [InlineData("/csv", "application/json", null, "a,b", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("/csv", "text/csv", null, "a,b", HttpStatusCode.OK)]
    [InlineData("/any", "application/json", null, "a,b", HttpStatusCode.OK)]
    public async Task A_body_is_taken_or_refused_by_what_it_says_of_itself(string path, string type, string? encoding, string body, HttpStatusCode status)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = new(type);
        if (encoding is not null)
        {
            content.Headers.ContentEncoding.Add(encoding);
        }

        using var response = await _host.SendAsync(HttpMethod.Post, path, content);
        response.StatusCode.ShouldBe(status);
    }
}
