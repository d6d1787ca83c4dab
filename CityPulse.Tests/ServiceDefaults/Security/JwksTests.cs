using System.Net;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Security;

/// <summary>A service that learns the keys from another one over HTTP, found by its name.</summary>
public sealed class JwksTests : IAsyncLifetime
{
    private readonly TestTokens _first = new("first");
    private readonly TestTokens _second = new("second");
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private DefaultsHost _issuer = null!;
    private DefaultsHost _service = null!;
    private string _jwks = "";
    private int _fetches;

    public async ValueTask InitializeAsync()
    {
        _jwks = _first.Jwks();
        _issuer = await DefaultsHost.StartAsync(app => app.MapGet("/.well-known/jwks.json", () =>
        {
            Interlocked.Increment(ref _fetches);
            return _jwks.Length > 0 ? Microsoft.AspNetCore.Http.Results.Text(_jwks, "application/json") : Microsoft.AspNetCore.Http.Results.StatusCode(404);
        }).AllowAnonymous());
        _service = await DefaultsHost.StartAsync(
            app => app.MapGet("/who", () => "in").RequireAuthorization(),
            builder =>
            {
                builder.Services.RemoveAll<IAccessTokenKeys>();
                builder.Services.AddSingleton<IAccessTokenKeys, JwksAccessTokenKeys>();
                builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(_time));
            },
            settings: new() { ["services:api:http:0"] = _issuer.Address.ToString() });
    }

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        await _issuer.DisposeAsync();
        _first.Dispose();
        _second.Dispose();
    }

    private async Task<HttpStatusCode> AskAsync(string token)
    {
        using var response = await _service.SendAsync(HttpMethod.Get, "/who", token: token);
        return response.StatusCode;
    }

    [Fact]
    public async Task Keys_are_fetched_once_and_again_for_an_unknown_one_but_not_at_will()
    {
        (await AskAsync(_first.Issue())).ShouldBe(HttpStatusCode.OK);
        (await AskAsync(_first.Issue())).ShouldBe(HttpStatusCode.OK);
        _fetches.ShouldBe(1);

        // Made-up keys cannot be used to flood the issuer.
        for (var i = 0; i < 10; i++)
        {
            (await AskAsync(_second.Issue())).ShouldBe(HttpStatusCode.Unauthorized);
        }

        _fetches.ShouldBe(1);

        // A rotated key is good with the first request that uses it.
        _jwks = _second.Jwks();
        _time.Advance(TimeSpan.FromSeconds(6));
        (await AskAsync(_second.Issue())).ShouldBe(HttpStatusCode.OK);
        _fetches.ShouldBe(2);

        // And the one that was withdrawn is good no longer, though it was verified before.
        (await AskAsync(_first.Issue())).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_withdrawn_key_ends_tokens_that_were_verified_already()
    {
        var token = _first.Issue();
        (await AskAsync(token)).ShouldBe(HttpStatusCode.OK);
        _jwks = _second.Jwks();
        _time.Advance(TimeSpan.FromMinutes(5));
        (await AskAsync(token)).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Known_keys_outlive_an_outage_of_the_issuer_for_a_while_only()
    {
        (await AskAsync(_first.Issue())).ShouldBe(HttpStatusCode.OK);
        _jwks = "";
        _time.Advance(TimeSpan.FromMinutes(30));
        (await AskAsync(_first.Issue(change: t => t.Expires = t.Expires!.Value.AddHours(3)))).ShouldBe(HttpStatusCode.OK);
        _time.Advance(TimeSpan.FromMinutes(31));
        (await AskAsync(_first.Issue(change: t => t.Expires = t.Expires!.Value.AddHours(3)))).ShouldBe(HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task Without_any_keys_nobody_gets_in_and_is_told_to_try_again()
    {
        _jwks = "";
        using var response = await _service.SendAsync(HttpMethod.Get, "/who", token: _first.Issue());
        await response.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable);
        response.Headers.RetryAfter.ShouldNotBeNull();
        _jwks = _first.Jwks();
        _time.Advance(TimeSpan.FromSeconds(2));
        (await AskAsync(_first.Issue())).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_token_expires_also_when_it_was_verified_before()
    {
        var token = _first.Issue();
        (await AskAsync(token)).ShouldBe(HttpStatusCode.OK);
        _time.Advance(TimeSpan.FromMinutes(15) + TimeSpan.FromSeconds(11));
        (await AskAsync(token)).ShouldBe(HttpStatusCode.Unauthorized);
    }
}
