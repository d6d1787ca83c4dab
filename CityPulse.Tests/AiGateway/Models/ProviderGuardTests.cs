using System.Net;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Models;

/// <summary>A gateway whose providers' addresses lead inside, by every way of writing that.</summary>
public sealed class InsideProviders(TestStores stores) : IAsyncLifetime
{
    private readonly TestTokens _tokens = new();
    private FakeServer _api = null!;

    internal FakeServer Inside { get; private set; } = null!;

    internal GatewayHost Gateway { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Inside = await FakeProviders.StartAsync();
        _api = await FakeApi.StartAsync();
        var port = Inside.Address.Port;
        var settings = new Dictionary<string, string?>();
        Add("loopback", $"http://127.0.0.1:{port}/openai/v1");
        Add("number", $"http://2130706433:{port}/openai/v1");
        Add("octal", $"http://0177.0.0.1:{port}/openai/v1");
        Add("name", $"http://localhost:{port}/openai/v1");
        Add("six", $"http://[::1]:{port}/openai/v1");
        Add("mapped", $"http://[::ffff:127.0.0.1]:{port}/openai/v1");
        Add("any", $"http://0.0.0.0:{port}/openai/v1");
        Add("metadata", "http://169.254.169.254/latest");
        Add("private", "http://10.0.0.1/v1");
        Add("claude", $"http://127.0.0.1:{port}/anthropic", "anthropic");
        Gateway = await GatewayHost.StartAsync(stores, _api.Address, _tokens, settings);

        void Add(string name, string url, string type = "openai")
        {
            settings[$"Ai:Providers:{name}:Type"] = type;
            settings[$"Ai:Providers:{name}:BaseUrl"] = url;
            settings[$"Ai:Providers:{name}:ApiKey"] = "sk-very-secret";
            settings[$"Ai:Providers:{name}:Model"] = FakeProviders.Good;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await _api.DisposeAsync();
        await Inside.DisposeAsync();
        _tokens.Dispose();
    }
}

/// <summary>No address of a provider makes the gateway knock at a door inside.</summary>
public sealed class ProviderGuardTests(TestStores stores, InsideProviders fixture) : IClassFixture<InsideProviders>
{
    [Theory]
    [InlineData("loopback")]
    [InlineData("number")]
    [InlineData("octal")]
    [InlineData("name")]
    [InlineData("six")]
    [InlineData("mapped")]
    [InlineData("any")]
    [InlineData("metadata")]
    [InlineData("private")]
    [InlineData("claude")]
    public async Task A_provider_inside_is_refused_and_never_asked(string provider)
    {
        using var client = fixture.Gateway.CreateClient();
        using var response = await client.ChatAsync(new { message = "hello", model = $"{provider}/{FakeProviders.Good}" });
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.BadGateway);
        problem["code"]!.GetValue<string>().ShouldBe("private_address");

        using var streamed = await client.ChatAsync(new { message = "hello", model = $"{provider}/{FakeProviders.Good}", stream = true });
        var failed = (await ChatTests.ReadEventsAsync(streamed)).ShouldHaveSingleItem();
        failed.Data.GetProperty("code").GetString().ShouldBe("private_address");
        fixture.Inside.Seen.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_provider_that_sends_elsewhere_is_not_followed()
    {
        await using var api = await FakeApi.StartAsync();
        await using var provider = await FakeServer.StartAsync((context, _) =>
        {
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = new Uri(fixture.Inside.Address, "/openai/v1/chat/completions").ToString();
            return Task.CompletedTask;
        });
        using var tokens = new TestTokens();
        await using var gateway = await GatewayHost.StartAsync(stores, api.Address, tokens, FakeProviders.Settings(provider));
        using var client = gateway.CreateClient();
        foreach (var name in FakeProviders.Names)
        {
            using var response = await client.ChatAsync(new { message = "hello", model = $"{name}/{FakeProviders.Good}" });
            (await response.ShouldBeProblemAsync(HttpStatusCode.BadGateway))["code"]!.GetValue<string>().ShouldBe("request_refused");
        }

        provider.Seen.Count.ShouldBe(FakeProviders.Names.Count);
        fixture.Inside.Seen.ShouldBeEmpty();
    }
}
