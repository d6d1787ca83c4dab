using System.Net;
using CityPulse.Api.Auth;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Shouldly;

namespace CityPulse.Tests.Api.Auth;

public sealed class LoginTests(AuthFixture auth) : IClassFixture<AuthFixture>
{
    [Fact]
    public async Task The_right_password_gives_a_session()
    {
        var ada = await auth.RegisterAsync();
        using var answer = await auth.LoginAsync(ada.Email);
        var session = Session.Of(await answer.ReadAsync(HttpStatusCode.OK));
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        session.UserId.ShouldBe(ada.UserId);
        session.RefreshToken.ShouldNotBe(ada.RefreshToken);
    }

    [Fact]
    public async Task Unknown_user_wrong_password_and_foreign_organisation_look_and_cost_the_same()
    {
        var ada = await auth.RegisterAsync();
        var bob = await auth.RegisterAsync();
        var details = new List<string>();
        foreach (var body in new object[]
        {
            new { email = "nobody@example.org", password = AuthFixture.Password },
            new { email = "nobody\0@example.org", password = AuthFixture.Password },
            new { email = ada.Email, password = "not my password" },
            new { email = ada.Email, password = new string('x', 100_000) },
            new { email = ada.Email, password = AuthFixture.Password, organizationId = bob.OrganizationId },
        })
        {
            var before = auth.Hasher.Verified;
            using var answer = await auth.PostAsync("login", body);
            var problem = await answer.ReadProblemAsync(HttpStatusCode.Unauthorized);
            answer.Headers.WwwAuthenticate.ShouldNotBeEmpty();
            details.Add(problem.GetProperty("detail").GetString()!);
            (auth.Hasher.Verified - before).ShouldBe(1);
        }

        details.Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task After_ten_failures_even_the_right_password_is_refused_until_the_lock_ends()
    {
        var ada = await auth.RegisterAsync();
        for (var i = 0; i < 9; i++)
        {
            await WrongAsync(ada);
        }

        (await RightAsync(ada)).ShouldBe(HttpStatusCode.OK);
        for (var i = 0; i < 10; i++)
        {
            await WrongAsync(ada);
        }

        (await RightAsync(ada)).ShouldBe(HttpStatusCode.Unauthorized);
        auth.Time.Jump(TimeSpan.FromMinutes(14));
        (await RightAsync(ada)).ShouldBe(HttpStatusCode.Unauthorized);
        auth.Time.Jump(TimeSpan.FromMinutes(1));
        await WrongAsync(ada);
        (await RightAsync(ada)).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Guesses_in_parallel_are_all_counted()
    {
        var ada = await auth.RegisterAsync();
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => WrongAsync(ada)));
        (await RightAsync(ada)).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Many_honest_logins_at_once_lock_nobody_out()
    {
        var ada = await auth.RegisterAsync();
        (await Task.WhenAll(Enumerable.Range(0, 15).Select(_ => RightAsync(ada)))).ShouldAllBe(status => status == HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("email")]
    [InlineData("password")]
    public async Task What_is_missing_is_named(string missing)
    {
        var body = new Dictionary<string, string> { ["email"] = "ada@example.org", ["password"] = "whatever it is" };
        body.Remove(missing);
        using var answer = await auth.PostAsync("login", body);
        (await answer.ReadProblemAsync(HttpStatusCode.BadRequest)).GetProperty("errors").TryGetProperty(missing, out _).ShouldBeTrue();
    }

    [Fact]
    public async Task An_unknown_member_is_refused()
    {
        using var answer = await auth.PostAsync("login", new { email = "a@example.org", password = "b", remember = true });
        (await answer.ReadProblemAsync(HttpStatusCode.BadRequest)).GetProperty("errors").TryGetProperty("remember", out _).ShouldBeTrue();
    }

    [Fact]
    public async Task A_disabled_membership_cannot_sign_in()
    {
        var ada = await auth.RegisterAsync();
        await using var source = Npgsql.NpgsqlDataSource.Create(auth.Host.ConnectionString);
        await using (var disable = source.CreateCommand($"update memberships set disabled_at = now() where user_id = '{ada.UserId}'"))
        {
            await disable.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        (await RightAsync(ada)).ShouldBe(HttpStatusCode.Unauthorized);
        using var refresh = await auth.RefreshAsync(ada.RefreshToken);
        await refresh.ReadProblemAsync(HttpStatusCode.Unauthorized);
        using var me = await auth.GetMeAsync(ada.AccessToken);
        await me.ReadProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_password_hashed_with_fewer_rounds_is_hashed_anew()
    {
        var ada = await auth.RegisterAsync();
        var weak = new PasswordHasher<User>(Options.Create(new PasswordHasherOptions { IterationCount = 10 })).HashPassword(new User { DisplayName = "" }, AuthFixture.Password);
        await using var source = Npgsql.NpgsqlDataSource.Create(auth.Host.ConnectionString);
        await using (var weaken = source.CreateCommand($"update users set password_hash = '{weak}' where id = '{ada.UserId}'"))
        {
            await weaken.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        (await RightAsync(ada)).ShouldBe(HttpStatusCode.OK);
        await using var read = source.CreateCommand($"select password_hash from users where id = '{ada.UserId}'");
        (await read.ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldNotBe(weak);
        (await RightAsync(ada)).ShouldBe(HttpStatusCode.OK);
    }

    private async Task WrongAsync(Session session)
    {
        using var answer = await auth.LoginAsync(session.Email, "not my password");
        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private async Task<HttpStatusCode> RightAsync(Session session)
    {
        using var answer = await auth.LoginAsync(session.Email);
        return answer.StatusCode;
    }
}
