using System.Net;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Auth;

public sealed class RefreshCookieTests(AuthFixture auth) : IClassFixture<AuthFixture>
{
    private string OwnOrigin => auth.Host.BaseAddress.GetLeftPart(UriPartial.Authority);

    [Fact]
    public async Task The_cookie_carries_every_flag_and_the_body_no_refresh_token()
    {
        var ada = await auth.RegisterAsync();
        using var answer = await auth.PostAsync("login", new { email = ada.Email, password = AuthFixture.Password, useCookies = true });
        (await answer.ReadAsync(HttpStatusCode.OK)).TryGetProperty("refreshToken", out _).ShouldBeFalse();
        var parts = answer.Headers.GetValues("Set-Cookie").ShouldHaveSingleItem().Split(';', StringSplitOptions.TrimEntries);
        parts[0].ShouldStartWith("__Secure-citypulse-refresh=");
        parts.Skip(1).Select(p => p.ToLowerInvariant()).Where(p => !p.StartsWith("expires=", StringComparison.Ordinal)).Order()
            .ShouldBe(["httponly", "path=/api/v1/auth", "samesite=strict", "secure"]);
        parts.ShouldContain(p => p.StartsWith("expires=", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task The_cookie_refreshes_and_rotates_from_our_own_origin()
    {
        var cookie = await LoginAsync();
        using var answer = await RefreshAsync(cookie, OwnOrigin);
        (await answer.ReadAsync(HttpStatusCode.OK)).TryGetProperty("refreshToken", out _).ShouldBeFalse();
        var next = CookieOf(answer);
        next.ShouldNotBe(cookie);
        using var again = await RefreshAsync(next, OwnOrigin);
        await again.ReadAsync(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("null")]
    [InlineData("https://evil.example")]
    public async Task A_foreign_or_missing_origin_does_not_refresh_and_spends_nothing(string? origin)
    {
        var cookie = await LoginAsync();
        using (var refused = await RefreshAsync(cookie, origin))
        {
            await refused.ReadProblemAsync(HttpStatusCode.Forbidden);
        }

        using var answer = await RefreshAsync(cookie, OwnOrigin);
        await answer.ReadAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_loser_of_a_race_keeps_the_cookie_that_the_winner_brought()
    {
        var cookie = await LoginAsync();
        using var winner = await RefreshAsync(cookie, OwnOrigin);
        await winner.ReadAsync(HttpStatusCode.OK);
        using var loser = await RefreshAsync(cookie, OwnOrigin);
        await loser.ReadProblemAsync(HttpStatusCode.Unauthorized);
        loser.Headers.Contains("Set-Cookie").ShouldBeFalse();
    }

    [Fact]
    public async Task A_cookie_that_is_no_good_any_more_is_removed()
    {
        using var answer = await RefreshAsync("nonsense", OwnOrigin);
        await answer.ReadProblemAsync(HttpStatusCode.Unauthorized);
        answer.Headers.GetValues("Set-Cookie").ShouldHaveSingleItem().ShouldContain("expires=Thu, 01 Jan 1970");
    }

    [Fact]
    public async Task Logout_by_cookie_alone_ends_the_family_and_removes_the_cookie()
    {
        var cookie = await LoginAsync();
        using (var logout = await auth.SendAsync(HttpMethod.Post, "logout", null, null, ("Cookie", $"__Secure-citypulse-refresh={cookie}"), ("Origin", OwnOrigin)))
        {
            logout.StatusCode.ShouldBe(HttpStatusCode.NoContent);
            logout.Headers.GetValues("Set-Cookie").ShouldHaveSingleItem().ShouldContain("expires=Thu, 01 Jan 1970");
        }

        using var answer = await RefreshAsync(cookie, OwnOrigin);
        await answer.ReadProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_foreign_origin_cannot_log_out_by_cookie()
    {
        var cookie = await LoginAsync();
        using (var logout = await auth.SendAsync(HttpMethod.Post, "logout", null, null, ("Cookie", $"__Secure-citypulse-refresh={cookie}"), ("Origin", "https://evil.example")))
        {
            await logout.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }

        using var answer = await RefreshAsync(cookie, OwnOrigin);
        await answer.ReadAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_cookie_opens_nothing_but_a_refresh()
    {
        var cookie = await LoginAsync();
        using var me = await auth.SendAsync(HttpMethod.Get, "me", null, null, ("Cookie", $"__Secure-citypulse-refresh={cookie}"), ("Origin", OwnOrigin));
        await me.ReadProblemAsync(HttpStatusCode.Unauthorized);
    }

    private async Task<string> LoginAsync()
    {
        var ada = await auth.RegisterAsync();
        using var answer = await auth.PostAsync("login", new { email = ada.Email, password = AuthFixture.Password, useCookies = true });
        await answer.ReadAsync(HttpStatusCode.OK);
        return CookieOf(answer);
    }

    private Task<HttpResponseMessage> RefreshAsync(string cookie, string? origin) => auth.SendAsync(
        HttpMethod.Post,
        "refresh",
        null,
        null,
        [("Cookie", $"__Secure-citypulse-refresh={cookie}"), .. origin is null ? [] : new[] { ("Origin", origin) }]);

    private static string CookieOf(HttpResponseMessage answer) =>
        answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0]["__Secure-citypulse-refresh=".Length..];
}
