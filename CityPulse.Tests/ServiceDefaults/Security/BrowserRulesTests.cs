using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Security;

public sealed class BrowserRulesTests
{
    private static Task<DefaultsHost> StartAsync(string environment = "Production", Dictionary<string, string?>? settings = null) =>
        DefaultsHost.StartAsync(
            app =>
            {
                app.MapGet("/open", () => "open").AllowAnonymous();
                app.MapGet("/page", () => "page").AllowAnonymous().WithContentSecurityPolicy("default-src 'none'");
                app.MapGet("/client", (HttpContext context) => $"{context.Connection.RemoteIpAddress} {context.Request.Scheme} {context.Request.Host}")
                    .AllowAnonymous();
                app.MapGet("/fault", object () => throw new InvalidOperationException()).AllowAnonymous();
            },
            environment: environment,
            settings: settings);

    private static async Task<HttpResponseMessage> SendAsync(
        DefaultsHost host, string path, HttpMethod? method = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, path);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await host.Client.SendAsync(request);
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;

    [Theory]
    [InlineData("/open")]
    [InlineData("/fault")]
    [InlineData("/nowhere")]
    public async Task Every_answer_tells_browsers_to_be_careful(string path)
    {
        await using var host = await StartAsync();
        using var response = await SendAsync(host, path);
        Header(response, "X-Content-Type-Options").ShouldBe("nosniff");
        Header(response, "X-Frame-Options").ShouldBe("DENY");
        Header(response, "Referrer-Policy").ShouldBe("no-referrer");
        Header(response, "Content-Security-Policy").ShouldNotBeNull().ShouldStartWith("default-src 'self'");
        Header(response, "Server").ShouldBeNull();
        Header(response, "Strict-Transport-Security").ShouldBeNull();
    }

    [Fact]
    public async Task A_page_may_have_a_policy_of_its_own()
    {
        await using var host = await StartAsync();
        using var response = await SendAsync(host, "/page");
        Header(response, "Content-Security-Policy").ShouldBe("default-src 'none'");
    }

    [Theory]
    [InlineData("Development", "http://localhost:5173", true)]
    [InlineData("Development", "http://localhost", true)]
    [InlineData("Development", "https://localhost:5173", false)]
    [InlineData("Development", "http://localhost.evil.example", false)]
    [InlineData("Development", "http://evil.example", false)]
    [InlineData("Production", "http://localhost:5173", false)]
    [InlineData("Production", "https://city.example", true)]
    [InlineData("Production", "https://flow.example:8443", true)]
    [InlineData("Production", "https://more.example", true)]
    [InlineData("Production", "http://city.example", false)]
    [InlineData("Production", "https://city.example.evil", false)]
    [InlineData("Production", "null", false)]
    public async Task Only_allowed_origins_may_read(string environment, string origin, bool allowed)
    {
        await using var host = await StartAsync(environment, new()
        {
            ["Cors:Frontends:citypulse"] = "https://city.example",
            ["Cors:Frontends:flowmind:0"] = "https://flow.example:8443/",
            ["ALLOWED_ORIGINS"] = "https://more.example, https://most.example",
        });
        using var simple = await SendAsync(host, "/open", null, ("Origin", origin));
        Header(simple, "Access-Control-Allow-Origin").ShouldBe(allowed ? origin : null);
        using var preflight = await SendAsync(
            host, "/open", HttpMethod.Options, ("Origin", origin), ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "if-match"));
        Header(preflight, "Access-Control-Allow-Origin").ShouldBe(allowed ? origin : null);
        using var refused = await SendAsync(host, "/nowhere", null, ("Origin", origin));
        Header(refused, "Access-Control-Allow-Origin").ShouldBe(allowed ? origin : null);
    }

    [Fact]
    public async Task An_upgrade_is_open_to_allowed_origins_the_own_one_and_programs()
    {
        await using var host = await StartAsync(settings: new() { ["Cors:Frontends:citypulse"] = "https://city.example" });
        var origins = host.Services.GetRequiredService<AllowedOrigins>();
        origins.Allows(Request(null)).ShouldBeTrue();
        origins.Allows(Request("https://city.example")).ShouldBeTrue();
        origins.Allows(Request("http://here.example:8001")).ShouldBeTrue();
        origins.Allows(Request("http://elsewhere.example")).ShouldBeFalse();

        static HttpRequest Request(string? origin)
        {
            var context = new DefaultHttpContext { Request = { Scheme = "http", Host = new HostString("here.example", 8001) } };
            context.Request.Headers.Origin = origin;
            return context.Request;
        }
    }

    [Theory]
    [InlineData("Cors:Frontends:citypulse", "*")]
    [InlineData("Cors:Frontends:citypluse", "https://city.example")]
    [InlineData("ALLOWED_ORIGINS", "city.example")]
    [InlineData("Cors:Frontends:citypulse:0", "https://city.example/path")]
    [InlineData("ForwardedHeaders:KnownNetworks:0", "10.0.0.0/99")]
    [InlineData("ForwardedHeaders:KnownProxies", "localhost")]
    [InlineData("Auth:JwksUri", "/relative")]
    [InlineData("Auth:Issuer", "")]
    [InlineData("Shutdown:DrainSeconds", "-1")]
    public async Task A_bad_setting_stops_the_start_with_its_name(string key, string value)
    {
        var error = await Should.ThrowAsync<OptionsValidationException>(() => StartAsync(settings: new() { [key] = value }));
        error.Message.ShouldContain(key);
    }

    private static readonly (string, string)[] Forwarded =
        [("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "city.example")];

    [Theory]
    [InlineData(null)]
    [InlineData("true")]
    public async Task Forwarding_headers_from_strangers_are_not_believed(string? hostSetting)
    {
        await using var host = await StartAsync(settings: new() { ["FORWARDEDHEADERS_ENABLED"] = hostSetting });
        using var response = await SendAsync(host, "/client", null, Forwarded);
        (await response.Content.ReadAsStringAsync()).ShouldBe($"127.0.0.1 http {host.Address.Authority}");
    }

    [Fact]
    public async Task Forwarding_headers_from_known_networks_are_believed_up_to_the_first_stranger()
    {
        await using var host = await StartAsync(settings: new() { ["ForwardedHeaders:KnownNetworks:0"] = "127.0.0.0/8" });
        using var direct = await SendAsync(host, "/client", null, Forwarded);
        (await direct.Content.ReadAsStringAsync()).ShouldBe("203.0.113.7 https city.example");
        Header(direct, "Strict-Transport-Security").ShouldNotBeNull();
        using var spoofed = await SendAsync(host, "/client", null, ("X-Forwarded-For", "198.51.100.1, 203.0.113.7, 127.0.0.2"));
        (await spoofed.Content.ReadAsStringAsync()).ShouldStartWith("203.0.113.7 ");
    }
}
