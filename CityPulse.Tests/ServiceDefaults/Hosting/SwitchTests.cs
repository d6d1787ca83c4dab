using System.Net;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Hosting;

/// <summary>The environment names of the Node.js version.</summary>
public sealed class SwitchTests
{
    private static IConfiguration Configuration(string settings) => new ConfigurationBuilder().AddInMemoryCollection(
        settings.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(s => s.Split('=')).Select(s => new KeyValuePair<string, string?>(s[0], s[1]))).Build();

    [Theory]
    [InlineData("", null)]
    [InlineData("PORT=3000", "http://*:3000")]
    [InlineData("PORT=3000 HOST=0.0.0.0", "http://0.0.0.0:3000")]
    [InlineData("PORT=3000 HOST=::", "http://[::]:3000")]
    [InlineData("HOST=localhost", "http://localhost:5000")]
    [InlineData("HOST=localhost http_ports=8080", "http://localhost:8080")]
    [InlineData("PORT=3000 http_ports=8080", "http://*:3000")]
    [InlineData("PORT=3000 https_ports=8443", "http://*:3000 https://*:8443")]
    [InlineData("PORT=3000 urls=http://localhost:1", null)]
    public void Port_and_host_say_where_to_listen(string settings, string? addresses) =>
        (NodeAddress.Addresses(Configuration(settings)) is { } found ? string.Join(' ', found) : null).ShouldBe(addresses);

    [Theory]
    [InlineData("PORT=http")]
    [InlineData("PORT=70000")]
    [InlineData("PORT=-1")]
    [InlineData("HOST=http://city.example")]
    public void A_wrong_address_stops_the_start_with_its_name(string setting) =>
        Should.Throw<OptionsValidationException>(() => NodeAddress.Addresses(Configuration(setting))).Message.ShouldStartWith(setting.Split('=')[0]);

    [Theory]
    [InlineData("true", true)]
    [InlineData("FALSE", false)]
    [InlineData("1", true)]
    [InlineData("0", false)]
    [InlineData(" off ", false)]
    [InlineData("", null)]
    public void A_switch_is_on_or_off_in_the_usual_words(string text, bool? expected) =>
        new ConfigurationBuilder().AddInMemoryCollection([new("X", text)]).Build().GetSwitch("X").ShouldBe(expected);

    [Theory]
    [InlineData("CITYPULSE_ENABLED=false", "/api/v1/citypulse/buildings")]
    [InlineData("CITYPULSE_ENABLED=false", "/API/v1/CityPulse")]
    [InlineData("Features:CityPulse=false", "/api/v1/citypulse/buildings")]
    [InlineData("AI_MODELS_ENABLED=0", "/api/v1/ai/chat")]
    [InlineData("AI_MODELS_ENABLED=false Features:Swarm=true", "/api/v1/swarm/runs")]
    [InlineData("WEBSOCKET_ENABLED=false", "/ws")]
    [InlineData("WEBSOCKET_ENABLED=false", "/ws/negotiate")]
    public async Task What_is_switched_off_is_404_for_whomever(string settings, string path)
    {
        await using var host = await DefaultsHost.StartAsync(
            app =>
            {
                app.MapGet(path, () => "here").RequireAuthorization();
                app.MapGet("/api/v1/aid", () => "here").AllowAnonymous();
            },
            settings: Configuration(settings).AsEnumerable().Where(s => s.Value is not null).ToDictionary());
        using var stranger = await host.SendAsync(HttpMethod.Get, path);
        await stranger.ShouldBeProblemAsync(HttpStatusCode.NotFound);
        using var member = await host.SendAsync(HttpMethod.Get, path, role: CityPulse.Contracts.Role.Admin);
        await member.ShouldBeProblemAsync(HttpStatusCode.NotFound);
        foreach (var open in (string[])["/api/v1/aid", "/health/live"])
        {
            (await host.SendAsync(HttpMethod.Get, open)).StatusCode.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Theory]
    [InlineData("AI_MODELS_ENABLED")]
    [InlineData("CITYPULSE_ENABLED")]
    [InlineData("WEBSOCKET_ENABLED")]
    [InlineData("Features:Swarm")]
    public async Task A_switch_that_is_neither_stops_the_start_with_its_name(string key)
    {
        var fault = await Should.ThrowAsync<OptionsValidationException>(() => DefaultsHost.StartAsync(settings: new() { [key] = "maybe" }));
        fault.Message.ShouldBe($"{key} must be true or false, but is \"maybe\".");
    }
}
