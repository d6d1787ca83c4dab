using System.Net;
using System.Text;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Auth;

public sealed class RegistrationTests(AuthFixture auth, TestStores stores) : IClassFixture<AuthFixture>
{
    [Fact]
    public async Task Registering_with_somebodys_token_makes_an_organisation_of_its_own()
    {
        var ada = await auth.RegisterAsync();
        using var answer = await auth.SendAsync(HttpMethod.Post, "register", new
        {
            organizationName = "Shelbyville",
            email = $"{Guid.NewGuid():N}@example.org",
            password = AuthFixture.Password,
            displayName = "Bob",
        }, ada.AccessToken);
        Session.Of(await answer.ReadAsync(HttpStatusCode.Created)).OrganizationId.ShouldNotBe(ada.OrganizationId);
    }

    [Fact]
    public async Task Registering_makes_an_organisation_with_its_first_admin_and_a_session()
    {
        using var answer = await auth.RegisterAsync("Ada@Example.org");
        var body = await answer.ReadAsync(HttpStatusCode.Created);
        answer.Headers.Location!.ToString().ShouldBe("/api/v1/auth/me");
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        body.EnumerateObject().Select(m => m.Name).ShouldBe(["accessToken", "tokenType", "expiresIn", "refreshToken", "user"]);
        body.GetProperty("tokenType").GetString().ShouldBe("Bearer");
        body.GetProperty("expiresIn").GetInt32().ShouldBe(900);
        var user = body.GetProperty("user");
        user.EnumerateObject().Select(m => m.Name).ShouldBe(["id", "email", "displayName", "role", "organizationId", "organizationName"]);
        user.GetProperty("email").GetString().ShouldBe("Ada@Example.org");
        user.GetProperty("role").GetString().ShouldBe("Admin");
        user.GetProperty("organizationName").GetString().ShouldBe("Springfield");

        using var me = await auth.GetMeAsync(body.GetProperty("accessToken").GetString()!);
        (await me.ReadAsync(HttpStatusCode.OK)).GetProperty("user").GetProperty("id").GetGuid().ShouldBe(user.GetProperty("id").GetGuid());
    }

    [Fact]
    public async Task An_address_is_taken_whatever_its_case()
    {
        var ada = await auth.RegisterAsync();
        using var again = await auth.RegisterAsync(ada.Email.ToUpperInvariant());
        await again.ReadProblemAsync(HttpStatusCode.Conflict);
        using var login = await auth.LoginAsync(ada.Email.ToUpperInvariant());
        (await login.ReadAsync(HttpStatusCode.OK)).GetProperty("user").GetProperty("id").GetGuid().ShouldBe(ada.UserId);
    }

    [Fact]
    public async Task Of_many_who_register_one_address_at_once_one_wins_and_nothing_of_the_others_stays()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => auth.RegisterAsync("race@example.org")));
        answers.Count(a => a.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.Conflict).ShouldBe(5);
        await using var source = Npgsql.NpgsqlDataSource.Create(auth.Host.ConnectionString);
        await using var orphans = source.CreateCommand(
            "select count(*) from organizations o where not exists (select from memberships m where m.organization_id = o.id)");
        (await orphans.ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe(0L);
    }

    [Fact]
    public async Task All_that_is_wrong_is_told_at_once()
    {
        using var answer = await auth.PostAsync("register", new { organizationName = " ", email = "ada", password = "password" });
        var problem = await answer.ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).Order().ShouldBe(["displayName", "email", "organizationName", "password"]);
    }

    [Theory]
    [InlineData("""{"organizationName":"a","email":"b@example.org","password":"long enough to do","displayName":"c","isAdmin":true}""")]
    [InlineData("""{"organizationName":1,"email":"b@example.org","password":"long enough to do","displayName":"c"}""")]
    [InlineData("""{"organizationName":"a","email":"b\u0000@example.org","password":"long enough to do","displayName":"c"}""")]
    [InlineData("""{"organizationName":"a\u0000","email":"b@example.org","password":"long enough to do","displayName":"c"}""")]
    [InlineData("""{"organizationName":"a","email":"b@example.org","password":"\ud800 long enough","displayName":"c"}""")]
    [InlineData("""{"organizationName":"a","email":""")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("")]
    public async Task Malformed_bodies_and_unknown_members_are_refused(string json)
    {
        using var answer = await auth.PostAsync("register", new StringContent(json, Encoding.UTF8, "application/json"));
        await answer.ReadProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task In_Production_registration_is_off_and_no_body_is_looked_at()
    {
        await using var host = await ApiHost.StartAsync(stores, "Production");
        using var client = host.CreateClient();
        using var answer = await client.PostAsync("/api/v1/auth/register", new StringContent("{", Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        (await answer.ReadProblemAsync(HttpStatusCode.Forbidden)).GetProperty("detail").GetString()!.ShouldContain("Registration is off");
    }

    [Fact]
    public async Task Configuration_can_turn_registration_on_in_Production_and_demo_users_never_exist_there()
    {
        await using var host = await ApiHost.StartAsync(stores, "Production", [new("Auth:AllowRegistration", "true")]);
        using var client = host.CreateClient();
        await City.RegisterAsync(client);
        client.DefaultRequestHeaders.Authorization = null;
        using var login = await client.PostAsync("/api/v1/auth/login", JsonBody(new { email = "admin@demo.citypulse.local", password = "CityPulse-demo-2026" }), TestContext.Current.CancellationToken);
        await login.ReadProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("admin", "Admin")]
    [InlineData("manager", "Manager")]
    [InlineData("user", "User")]
    public async Task In_Development_there_is_a_demo_user_for_each_role(string name, string role)
    {
        using var login = await auth.LoginAsync($"{name}@demo.citypulse.local", "CityPulse-demo-2026");
        var user = (await login.ReadAsync(HttpStatusCode.OK)).GetProperty("user");
        user.GetProperty("role").GetString().ShouldBe(role);
        user.GetProperty("organizationName").GetString().ShouldBe("Demo City");
    }

    [Fact]
    public async Task A_second_start_keeps_users_and_keys()
    {
        var ada = await auth.RegisterAsync();
        await using var second = await ApiHost.StartAsync(stores, database: auth.Host.ConnectionString);
        using var client = second.CreateClient();
        client.DefaultRequestHeaders.Authorization = new("Bearer", ada.AccessToken);
        using var me = await client.GetAsync("/api/v1/auth/me", TestContext.Current.CancellationToken);
        await me.ReadAsync(HttpStatusCode.OK);
        await using var source = Npgsql.NpgsqlDataSource.Create(auth.Host.ConnectionString);
        await using var demo = source.CreateCommand("select count(*) from users where email like '%@demo.citypulse.local'");
        (await demo.ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe(3L);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("c2hvcnQ=")]
    public async Task Without_a_good_key_encryption_key_the_boot_stops_and_names_it(string? value)
    {
        var refusal = await Should.ThrowAsync<Exception>(async () =>
        {
            await using var host = await ApiHost.StartAsync(stores, "Production", [new("Auth:KeyEncryptionKey", value)]);
        });
        refusal.ToString().ShouldContain("Auth:KeyEncryptionKey");
    }

    private static StringContent JsonBody(object body) => new(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
}
