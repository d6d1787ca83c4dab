using System.Net;
using System.Security.Claims;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.IdentityModel.Tokens;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Security;

public sealed class AccessTokenTests : IAsyncLifetime
{
    private DefaultsHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await DefaultsHost.StartAsync(
        app =>
        {
            app.MapGet("/who", (ClaimsPrincipal user) => user.GetCaller().Role.ToString()).RequireAuthorization();
            app.MapGet("/door", () => "in").RequirePermission(Permission.Realtime);
            app.MapGet("/forgotten", () => "secret");
            app.MapGet("/open", () => "open").AllowAnonymous();
            app.MapPost("/write", (Written body) => body).RequirePermission(Permission.WriteCity);
        },
        builder => builder.AcceptAccessTokenFromQuery("/door"));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    public sealed record Written(string Name);

    [Fact]
    public async Task A_good_token_gets_in_again_and_again()
    {
        var token = _host.Tokens.Issue(Role.Manager);
        for (var i = 0; i < 3; i++)
        {
            using var response = await _host.SendAsync(HttpMethod.Get, "/who", token: token);
            (await response.Content.ReadAsStringAsync()).ShouldBe("Manager");
        }
    }

    [Theory]
    [InlineData("other claims under a known signature")]
    [InlineData("its signature alone")]
    [InlineData("with something behind it")]
    public async Task What_only_looks_like_a_known_token_is_401(string fault)
    {
        var token = _host.Tokens.Issue(Role.User);
        using var known = await _host.SendAsync(HttpMethod.Get, "/who", token: token);
        known.StatusCode.ShouldBe(HttpStatusCode.OK);
        var (mine, other) = (token.Split('.'), _host.Tokens.Issue(Role.Admin).Split('.'));
        var sent = fault switch
        {
            "other claims under a known signature" => $"{other[0]}.{other[1]}.{mine[2]}",
            "its signature alone" => mine[2],
            _ => token + "A",
        };
        using var response = await _host.SendAsync(HttpMethod.Get, "/who", token: sent);
        await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task No_token_is_401_and_says_which_scheme()
    {
        using var response = await _host.SendAsync(HttpMethod.Get, "/who");
        await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        response.Headers.WwwAuthenticate.ToString().ShouldBe("Bearer");
    }

    public static TheoryData<string> BadTokens =>
        ["expired", "early", "issuer", "audience", "no expiry", "other key", "no organisation", "no role", "numeric role", "unknown frontend", "none", "hmac", "garbage", "huge"];

    [Theory]
    [MemberData(nameof(BadTokens))]
    public async Task A_bad_token_is_401(string fault)
    {
        using var stranger = new TestTokens();
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var token = fault switch
        {
            "expired" => _host.Tokens.Issue(change: t => t.Expires = now.AddSeconds(-11)),
            "early" => _host.Tokens.Issue(change: t => t.NotBefore = now.AddSeconds(60)),
            "issuer" => _host.Tokens.Issue(change: t => t.Issuer = "someone"),
            "audience" => _host.Tokens.Issue(change: t => t.Audience = "someone"),
            "no expiry" => _host.Tokens.Issue(change: t => t.Expires = null),
            "other key" => stranger.Issue(),
            "no organisation" => _host.Tokens.Issue(change: t => t.Claims.Remove(CityClaims.Organization)),
            "no role" => _host.Tokens.Issue(change: t => t.Claims.Remove(CityClaims.Role)),
            "numeric role" => _host.Tokens.Issue(change: t => t.Claims[CityClaims.Role] = "2"),
            "unknown frontend" => _host.Tokens.Issue(change: t => t.Claims[CityClaims.Frontend] = "other"),
            "none" => _host.Tokens.Issue(change: t => t.SigningCredentials = null),
            "hmac" => _host.Tokens.Issue(change: t => t.SigningCredentials = new SigningCredentials(
                new SymmetricSecurityKey(new byte[32]) { KeyId = "test-key" }, SecurityAlgorithms.HmacSha256)),
            "huge" => new string('a', 9000),
            _ => "garbage",
        };

        using var response = await _host.SendAsync(HttpMethod.Get, "/who", token: token);
        await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        response.Headers.WwwAuthenticate.ToString().ShouldContain("invalid_token");
    }

    [Fact]
    public async Task A_token_in_the_query_opens_only_the_door_that_asks_for_it()
    {
        var token = _host.Tokens.Issue();
        using var door = await _host.SendAsync(HttpMethod.Get, $"/door?access_token={token}");
        door.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var rest = await _host.SendAsync(HttpMethod.Get, $"/who?access_token={token}");
        rest.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task An_endpoint_without_a_policy_lets_nobody_in()
    {
        using var stranger = await _host.SendAsync(HttpMethod.Get, "/forgotten");
        await stranger.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        using var admin = await _host.SendAsync(HttpMethod.Get, "/forgotten", role: Role.Admin);
        await admin.ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        using var open = await _host.SendAsync(HttpMethod.Get, "/open");
        open.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Identity_is_asked_before_the_body_and_before_its_type()
    {
        using var stranger = await _host.SendAsync(HttpMethod.Post, "/write", new StringContent("{"));
        stranger.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        using var user = await _host.SendAsync(HttpMethod.Post, "/write", new StringContent("{"), Role.User);
        var problem = await user.ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        problem["detail"]!.GetValue<string>().ShouldBe("Changing the city is not allowed for the role User.");
    }

    [Theory]
    [InlineData(null, "quantum", HttpStatusCode.Forbidden)]
    [InlineData(null, "citypulse", HttpStatusCode.UnsupportedMediaType)]
    [InlineData(null, "CityPulse", HttpStatusCode.UnsupportedMediaType)]
    [InlineData(null, "other", HttpStatusCode.BadRequest)]
    [InlineData(null, "1", HttpStatusCode.BadRequest)]
    [InlineData(null, "", HttpStatusCode.BadRequest)]
    [InlineData(Frontend.FlowMind, null, HttpStatusCode.Forbidden)]
    [InlineData(Frontend.FlowMind, "citypulse", HttpStatusCode.Forbidden)]
    [InlineData(Frontend.CityPulse, "citypulse", HttpStatusCode.UnsupportedMediaType)]
    [InlineData(Frontend.CityPulse, "flowmind", HttpStatusCode.Forbidden)]
    [InlineData(Frontend.CityPulse, null, HttpStatusCode.UnsupportedMediaType)]
    public async Task A_frontend_narrows_what_the_role_allows(Frontend? issuedTo, string? header, HttpStatusCode status)
    {
        using var response = await _host.SendAsync(HttpMethod.Post, "/write", new StringContent("x"), Role.Manager, issuedTo, header);
        await response.ShouldBeProblemAsync(status);
    }

    [Fact]
    public async Task An_unknown_frontend_is_400_on_open_calls_and_401_comes_first_elsewhere()
    {
        using var open = await _host.SendAsync(HttpMethod.Get, "/open", frontend: "other");
        await open.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        using var closed = await _host.SendAsync(HttpMethod.Get, "/who", frontend: "other");
        await closed.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }
}
