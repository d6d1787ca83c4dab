using System.Net;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Security;

/// <summary>A token that is known takes a shorter way in: what it opens, and what not, must be the same as when it first came.</summary>
public sealed class SignedInTests : IAsyncLifetime
{
    private DefaultsHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await DefaultsHost.StartAsync(app =>
    {
        app.MapGet("/one", () => "in").RequirePermission(Permission.UseAi);
        var group = app.MapGroup("/group").RequirePermission(Permission.RunSwarm);
        group.MapGet("/both", () => "in").RequirePermission(Permission.Administer);
        group.MapGet("/open", () => "in").AllowAnonymous();
        app.MapGet("/member", () => "in").RequireAuthorization();
        app.MapGet("/forgotten", () => "in");
        app.MapGet("/role", () => "in").RequirePermission(Permission.UseAi).WithMetadata(new AuthorizeAttribute { Roles = "nobody" });
        app.MapGet("/rule", () => "in").RequirePermission(Permission.UseAi).RequireAuthorization(policy => policy.RequireClaim("nowhere"));
    });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("/one", Role.User, null, null, 200)]
    [InlineData("/one", Role.User, null, "flowmind", 200)]
    [InlineData("/one", Role.User, null, "nonsense", 400)]
    [InlineData("/one", Role.User, Frontend.Quantum, "quantum", 200)]
    [InlineData("/one", Role.User, Frontend.Quantum, "flowmind", 403)]
    [InlineData("/group/both", Role.User, null, null, 403)]
    [InlineData("/group/both", Role.Manager, null, null, 403)]
    [InlineData("/group/both", Role.Admin, null, null, 200)]
    [InlineData("/group/both", Role.Admin, Frontend.FlowMind, null, 403)]
    [InlineData("/group/both", Role.Admin, null, "citypulse", 403)]
    [InlineData("/group/open", Role.User, null, null, 200)]
    [InlineData("/member", Role.User, null, null, 200)]
    [InlineData("/forgotten", Role.Admin, null, null, 403)]
    [InlineData("/role", Role.Admin, null, null, 403)]
    [InlineData("/rule", Role.Admin, null, null, 403)]
    [InlineData("/nowhere", Role.Admin, null, null, 404)]
    public async Task What_a_token_opens_is_the_same_again_and_again(string path, Role role, Frontend? issuedTo, string? frontend, int status)
    {
        var token = _host.Tokens.Issue(role, issuedTo);
        for (var i = 0; i < 3; i++)
        {
            using var response = await _host.SendAsync(HttpMethod.Get, path, token: token, frontend: frontend);
            response.StatusCode.ShouldBe((HttpStatusCode)status, $"request {i}");
        }
    }

    [Fact]
    public async Task Without_a_token_nothing_but_what_is_open_opens()
    {
        foreach (var path in (string[])["/one", "/group/both", "/member", "/forgotten", "/role", "/rule"])
        {
            using var response = await _host.SendAsync(HttpMethod.Get, path);
            response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized, path);
        }

        using var open = await _host.SendAsync(HttpMethod.Get, "/group/open");
        open.StatusCode.ShouldBe(HttpStatusCode.OK);
    }
}
