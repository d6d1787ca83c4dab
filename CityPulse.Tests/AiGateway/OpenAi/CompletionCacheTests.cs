using System.Net;
using System.Text;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.AiGateway.OpenAi;

/// <summary>A gateway that keeps answers, before a provider that counts how often it is asked.</summary>
public sealed class KeepingGateway(TestStores stores) : IAsyncLifetime
{
    private FakeServer _api = null!;

    internal FakeServer Provider { get; private set; } = null!;

    internal TestTokens Tokens { get; } = new();

    internal GatewayHost Gateway { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Provider = await FakeProviders.StartAsync();
        _api = await FakeApi.StartAsync();
        var settings = FakeProviders.Settings(Provider);
        settings["Ai:CacheSeconds"] = "60";
        Gateway = await GatewayHost.StartAsync(stores, _api.Address, Tokens, settings);
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await _api.DisposeAsync();
        await Provider.DisposeAsync();
        Tokens.Dispose();
    }
}

public sealed class CompletionCacheTests(KeepingGateway fixture) : IClassFixture<KeepingGateway>
{
    private readonly Guid _organization = Guid.CreateVersion7();
    private readonly string _question = $"question {Guid.NewGuid()}";

    [Fact]
    public async Task The_same_request_of_a_colleague_is_answered_again_for_nothing()
    {
        var first = await AskAsync();
        first.TryGetProperty("cached", out _).ShouldBeFalse();
        var second = await AskAsync();
        second.GetProperty("cached").GetBoolean().ShouldBeTrue();
        second.GetProperty("id").GetString().ShouldNotBe(first.GetProperty("id").GetString());
        second.GetProperty("choices").GetRawText().ShouldBe(first.GetProperty("choices").GetRawText());
        second.GetProperty("usage").GetRawText().ShouldBe(first.GetProperty("usage").GetRawText());
        Asked().ShouldBe(1);

        await using var database = NpgsqlDataSource.Create(fixture.Gateway.Database);
        (await database.ColumnAsync(
            $"select concat_ws(' ', outcome, input_tokens, output_tokens, cost_usd = 0) from ai.usage where organization_id = '{_organization}' order by at, id"))
            .ShouldBe([$"completed {FakeProviders.InputTokens} {FakeProviders.OutputTokens} f", "cached 0 0 t"]);
    }

    [Fact]
    public async Task Another_organisation_role_or_wording_is_another_request()
    {
        await AskAsync();
        await AskAsync(organization: Guid.CreateVersion7());
        await AskAsync(role: Role.Admin);
        await AskAsync(more: "\"seed\":1,");
        Asked().ShouldBe(4);
    }

    [Theory]
    [InlineData("\"temperature\":0.1", null)]
    [InlineData("\"top_p\":1", null)]
    [InlineData("\"temperature\":0,\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"list_buildings\"}}]", null)]
    [InlineData("\"temperature\":0", "no-cache")]
    public async Task Answers_that_may_differ_are_asked_for_anew(string options, string? cacheControl)
    {
        await AskAsync(options, cacheControl: cacheControl);
        (await AskAsync(options, cacheControl: cacheControl)).TryGetProperty("cached", out _).ShouldBeFalse();
        Asked().ShouldBe(2);
    }

    private async Task<JsonElement> AskAsync(
        string options = "\"temperature\":0", Guid? organization = null, Role role = Role.User, string more = "", string? cacheControl = null)
    {
        using var client = fixture.Gateway.CreateClient(fixture.Tokens.Issue(role, change: d => d.Claims[CityClaims.Organization] = $"{organization ?? _organization}"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/ai/v1/chat/completions")
        {
            Content = new StringContent(
                $$"""{"model":"openai/good",{{more}}{{options}},"messages":[{"role":"user","content":"{{_question}}"}]}""", Encoding.UTF8, "application/json"),
        };
        if (cacheControl is not null)
        {
            request.Headers.TryAddWithoutValidation("Cache-Control", cacheControl);
        }

        using var response = await client.SendAsync(request);
        return await response.ReadAsync(HttpStatusCode.OK);
    }

    private int Asked() => fixture.Provider.Seen.Count(r => r.Body.Contains(_question, StringComparison.Ordinal));
}
