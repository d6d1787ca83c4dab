using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using CityPulse.Api.Auth;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace CityPulse.Tests.Api.Auth;

/// <summary>
/// One Api for the tests of a class, with a clock of its own and a quick password hash, and the calls that they make again and again.
/// Its tests run one after another, each with users of its own, so moving the clock disturbs none.
/// </summary>
public sealed class AuthFixture(TestStores stores) : IAsyncLifetime
{
    internal const string Password = City.Password;

    internal ApiHost Host { get; private set; } = null!;
    internal FakeTimeProvider Time { get; } = new(TimeProvider.System.GetUtcNow());
    internal CountingHasher Hasher { get; } = new();
    internal HttpClient Client { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Host = await ApiHost.StartAsync(stores, services: services =>
        {
            services.RemoveAll<TimeProvider>();
            services.AddSingleton<TimeProvider>(Time);
            services.AddSingleton<IPasswordHasher<User>>(Hasher);
        });
        Client = Host.CreateClient();
    }

    internal async Task<Session> RegisterAsync()
    {
        var email = $"{Guid.NewGuid():N}@example.org";
        using var answer = await RegisterAsync(email);
        return Session.Of(await answer.ReadAsync(System.Net.HttpStatusCode.Created));
    }

    internal Task<HttpResponseMessage> RegisterAsync(string email, string password = Password) => PostAsync("register", new
    {
        organizationName = "Springfield",
        email,
        password,
        displayName = "Ada Admin",
    });

    internal Task<HttpResponseMessage> LoginAsync(string email, string password = Password) => PostAsync("login", new { email, password });

    internal Task<HttpResponseMessage> RefreshAsync(string? refreshToken) => PostAsync("refresh", new { refreshToken });

    internal Task<HttpResponseMessage> GetMeAsync(string accessToken) => SendAsync(HttpMethod.Get, "me", null, bearer: accessToken);

    internal Task<HttpResponseMessage> PostAsync(string call, object? body) => SendAsync(HttpMethod.Post, call, body);

    internal async Task<HttpResponseMessage> SendAsync(
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

/// <summary>Counts the costly part of a login. Few rounds, since these tests log in by the dozen.</summary>
internal sealed class CountingHasher : IPasswordHasher<User>
{
    private readonly PasswordHasher<User> _inner = new(Options.Create(new PasswordHasherOptions { IterationCount = 1000 }));
    private int _verified;

    public int Verified => _verified;

    public string HashPassword(User user, string password) => _inner.HashPassword(user, password);

    public PasswordVerificationResult VerifyHashedPassword(User user, string hashedPassword, string providedPassword)
    {
        Interlocked.Increment(ref _verified);
        return _inner.VerifyHashedPassword(user, hashedPassword, providedPassword);
    }
}
