using System.Net;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Hosting;

public sealed class InternalPortTests
{
    private static Task<DefaultsHost> StartAsync(string? key = "the shared key of the services", string? port = "0", string environment = "Production") =>
        DefaultsHost.StartAsync(
            app =>
            {
                app.MapInternal().MapGet("/thing", () => "inside");
                app.MapGet("/open", () => "open").AllowAnonymous();
            },
            environment: environment,
            settings: new() { ["INTERNAL_HTTP_PORT"] = port, ["Internal:Key"] = key });

    private static async Task<HttpResponseMessage> GetAsync(DefaultsHost host, int address, string path, string? key = null)
    {
        using var client = host.CreateClient(address);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (key is not null)
        {
            request.Headers.Add(CityHeaders.InternalKey, key);
        }

        return await client.SendAsync(request);
    }

    [Fact]
    public async Task It_is_added_to_the_public_addresses_and_serves_what_is_internal_with_the_key()
    {
        await using var host = await StartAsync();
        host.Addresses.Count.ShouldBe(2);
        using var good = await GetAsync(host, 1, "/internal/thing", "the shared key of the services");
        (await good.Content.ReadAsStringAsync()).ShouldBe("inside");
        using var wrong = await GetAsync(host, 1, "/internal/thing", "another key");
        await wrong.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        using var none = await GetAsync(host, 1, "/internal/thing");
        await none.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("/internal/thing")]
    [InlineData("/Internal/thing")]
    [InlineData("/internal")]
    [InlineData("/metrics")]
    [InlineData("/%69nternal/thing")]
    public async Task On_the_public_port_nothing_internal_exists_even_with_the_key(string path)
    {
        await using var host = await StartAsync();
        using var response = await GetAsync(host, 0, path, "the shared key of the services");
        await response.ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task The_internal_port_serves_health_but_nothing_public()
    {
        await using var host = await StartAsync();
        using var health = await GetAsync(host, 1, "/health/live");
        health.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var open = await GetAsync(host, 1, "/open");
        await open.ShouldBeProblemAsync(HttpStatusCode.NotFound);
        using var publicly = await GetAsync(host, 0, "/open");
        publicly.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData(null, "")]
    [InlineData("", "")]
    [InlineData(null, null)]
    public async Task Without_a_configured_key_nobody_gets_in(string? configured, string? sent)
    {
        await using var host = await StartAsync(configured);
        using var response = await GetAsync(host, 1, "/internal/thing", sent);
        await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Without_the_setting_there_is_no_internal_port_at_all()
    {
        await using var host = await StartAsync(port: null);
        host.Addresses.ShouldHaveSingleItem();
        using var response = await GetAsync(host, 0, "/internal/thing", "the shared key of the services");
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_fixed_port_is_listened_on()
    {
        var port = TestStores.FreePort();
        await using var host = await StartAsync(port: $"{port}", environment: "Development");
        using var client = new HttpClient { BaseAddress = new Uri($"http://localhost:{port}") };
        (await client.GetAsync("/health/live")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_bad_port_stops_the_start_with_the_settings_name()
    {
        var error = await Should.ThrowAsync<InvalidOperationException>(() => StartAsync(port: "eighty"));
        error.Message.ShouldContain("INTERNAL_HTTP_PORT");
    }
}
