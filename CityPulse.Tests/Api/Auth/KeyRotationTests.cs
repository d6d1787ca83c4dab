using System.Net;
using CityPulse.Api.Auth;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Shouldly;

namespace CityPulse.Tests.Api.Auth;

/// <summary>Two replicas on one clock and one database, through the life of a key.</summary>
public sealed class KeyRotationTests(TestStores stores) : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private ApiHost[] _hosts = [];
    private HttpClient[] _clients = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var database = await stores.CreateDatabaseAsync();
        _hosts = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => ApiHost.StartAsync(
            stores, database: database, services: services => services.Replace(ServiceDescriptor.Singleton<TimeProvider>(_time)))));
        _clients = [.. _hosts.Select(host => host.CreateClient())];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_new_key_is_published_before_it_signs_and_the_old_one_until_its_last_token_has_expired()
    {
        var city = await City.RegisterAsync(_clients[0]);
        var first = new JsonWebToken(city.AccessToken).Kid;
        (await PublishedAsync()).ShouldBe([first]);
        var refresh = city.RefreshToken;

        _time.Jump(TimeSpan.FromDays(29) + TimeSpan.FromMinutes(1));
        await RotateAsync();
        var published = await PublishedAsync();
        published.Count.ShouldBe(2, "replicas that look at once make one key");
        var second = published.Except([first]).Single();
        (refresh, var old) = await RefreshAsync(_clients[1], refresh);
        new JsonWebToken(old).Kid.ShouldBe(first, "a published key does not sign yet");

        _time.Jump(TimeSpan.FromDays(1) - TimeSpan.FromMinutes(10));
        (refresh, old) = await RefreshAsync(_clients[0], refresh);
        new JsonWebToken(old).Kid.ShouldBe(first);
        _time.Advance(TimeSpan.FromMinutes(10));
        (refresh, var young) = await RefreshAsync(_clients[1], refresh);
        new JsonWebToken(young).Kid.ShouldBe(second);
        foreach (var client in _clients)
        {
            (await MeAsync(client, old)).ShouldBe(HttpStatusCode.OK);
            (await MeAsync(client, young)).ShouldBe(HttpStatusCode.OK);
        }

        (await PublishedAsync()).ShouldBe([first, second], ignoreOrder: true);
        _time.Jump(TimeSpan.FromMinutes(30));
        await RotateAsync();
        (await PublishedAsync()).ShouldBe([second]);
        (_, young) = await RefreshAsync(_clients[0], refresh);
        (await MeAsync(_clients[1], young)).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_service_sees_to_it_by_itself()
    {
        _time.Jump(TimeSpan.FromDays(29.5));
        await Eventually.TrueAsync(
            async () =>
            {
                _time.Advance(TimeSpan.FromMinutes(10));
                return (await PublishedAsync()).Count == 2;
            },
            "a second key is published");
    }

    private async Task RotateAsync()
    {
        await Task.WhenAll(_hosts.Select(host => host.Services.GetRequiredService<KeyRing>().RotateAsync(Cancel)));
        // The other replica finds the key at its next look.
        _time.Advance(TimeSpan.FromMinutes(5));
        await Task.WhenAll(_hosts.Select(async host => await host.Services.GetRequiredService<KeyRing>().GetAsync(refresh: false, Cancel)));
    }

    private async Task<List<string>> PublishedAsync()
    {
        var sets = new List<List<string>>();
        foreach (var client in _clients)
        {
            using var answer = await client.GetAsync(new Uri("/.well-known/jwks.json", UriKind.Relative), Cancel);
            sets.Add([.. (await answer.ReadAsync(HttpStatusCode.OK)).GetProperty("keys").EnumerateArray().Select(k => k.GetProperty("kid").GetString()!)]);
        }

        return sets.MaxBy(set => set.Count)!;
    }

    private static async Task<(string Refresh, string Access)> RefreshAsync(HttpClient client, string? refreshToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/refresh")
        {
            Content = System.Net.Http.Json.JsonContent.Create(new { refreshToken }),
        };
        using var answer = await client.SendAsync(request, Cancel);
        var session = await answer.ReadAsync(HttpStatusCode.OK);
        return (session.GetProperty("refreshToken").GetString()!, session.GetProperty("accessToken").GetString()!);
    }

    private static async Task<HttpStatusCode> MeAsync(HttpClient client, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/auth/me");
        request.Headers.Authorization = new("Bearer", token);
        using var answer = await client.SendAsync(request, Cancel);
        return answer.StatusCode;
    }
}
