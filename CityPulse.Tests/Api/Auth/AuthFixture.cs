using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Time.Testing;

namespace CityPulse.Tests.Api.Auth;

/// <summary>One Api with a clock of its own for the tests of a class, and the calls that they make again and again.</summary>
internal sealed class AuthFixture : IAsyncDisposable
{
    public const string Password = City.Password;

    private AuthFixture(ApiHost host, FakeTimeProvider time) => (Host, Time, Client) = (host, time, host.CreateClient());

    public ApiHost Host { get; }
    public FakeTimeProvider Time { get; }
    public HttpClient Client { get; }

    public static async Task<AuthFixture> StartAsync(TestStores stores, Action<IServiceCollection>? more = null)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var host = await ApiHost.StartAsync(stores, services: services =>
        {
            services.RemoveAll<TimeProvider>();
            services.AddSingleton<TimeProvider>(time);
            more?.Invoke(services);
        });
        return new AuthFixture(host, time);
    }

    public async Task<Session> RegisterAsync()
    {
        var email = $"{Guid.NewGuid():N}@example.org";
        using var answer = await RegisterAsync(email);
        return Session.Of(await answer.ReadAsync(System.Net.HttpStatusCode.Created));
    }

    public Task<HttpResponseMessage> RegisterAsync(string email, string password = Password) => PostAsync("register", new
    {
        organizationName = "Springfield",
        email,
        password,
        displayName = "Ada Admin",
    });

    public Task<HttpResponseMessage> LoginAsync(string email, string password = Password) => PostAsync("login", new { email, password });

    public Task<HttpResponseMessage> RefreshAsync(string? refreshToken) => PostAsync("refresh", new { refreshToken });

    public Task<HttpResponseMessage> GetMeAsync(string accessToken) => SendAsync(HttpMethod.Get, "me", null, bearer: accessToken);

    public Task<HttpResponseMessage> PostAsync(string call, object? body) => SendAsync(HttpMethod.Post, call, body);

    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string call, object? body, string? bearer = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, $"/api/v1/auth/{call}");
        request.Content = body switch { null => null, HttpContent content => content, _ => JsonContent.Create(body) };
        request.Headers.Authorization = bearer is null ? null : new AuthenticationHeaderValue("Bearer", bearer);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Client.SendAsync(request);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Host.DisposeAsync();
    }
}

internal sealed record Session(string AccessToken, string? RefreshToken, string Email, Guid UserId, Guid OrganizationId)
{
    public static Session Of(JsonElement body)
    {
        var user = body.GetProperty("user");
        return new Session(
            body.GetProperty("accessToken").GetString()!,
            body.TryGetProperty("refreshToken", out var refresh) ? refresh.GetString() : null,
            user.GetProperty("email").GetString()!,
            user.GetProperty("id").GetGuid(),
            user.GetProperty("organizationId").GetGuid());
    }
}
