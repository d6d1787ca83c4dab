using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.AiGateway;
using CityPulse.Tests.Realtime;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Shouldly;

namespace CityPulse.Tests.Security;

/// <summary>
/// Every call of every service, as every role, from every frontend, over HTTP: who is let in and who is not. The table is written from the
/// contract's own tables and knows nothing of the code's; a call that no line speaks of fails the test.
/// </summary>
public sealed class AccessMatrixTests(TestStores stores)
{
    private const string Everybody = "User Manager Admin";
    private const string Managers = "Manager Admin";
    private const string Admins = "Admin";

    private const string AnyFrontend = "citypulse flowmind quantum velocity";
    private const string CityFrontend = "citypulse";
    private const string SwarmFrontends = "flowmind quantum velocity";

    /// <summary>Methods, path (a pattern), roles, frontends; the first line that fits counts.</summary>
    private static readonly (string Methods, string Path, string Roles, string Frontends)[] Contract =
    [
        // Administration: users, device keys, channels, deleting buildings, the audit log.
        ("GET POST PATCH DELETE", "/api/v1/users.*", Admins, CityFrontend),
        ("GET POST DELETE", "/api/v1/citypulse/device-keys.*", Admins, CityFrontend),
        ("GET", "/api/v1/audit", Admins, CityFrontend),
        ("GET POST PUT PATCH DELETE", "/api/v1/citypulse/alerts/channels.*", Admins, CityFrontend),
        ("GET", "/api/v1/citypulse/alerts/{id}/deliveries", Admins, CityFrontend),
        ("DELETE", "/api/v1/citypulse/buildings/{id}", Admins, CityFrontend),

        ("GET PUT PATCH", "/api/v1/citypulse/settings/.*", Admins, CityFrontend),

        // Questions that are asked by POST.
        ("POST", "/api/v1/citypulse/analytics/query", Everybody, AnyFrontend),
        ("POST", "/graphql", Everybody, AnyFrontend),
        ("POST", "/api/v1/citypulse/alerts/rules/preview", Managers, CityFrontend),

        // Everybody may acknowledge and comment; but three frontends only read the city.
        ("POST", "/api/v1/citypulse/alerts/{id}/(acknowledge|comment)", Everybody, CityFrontend),

        // Writing the city, ingest included.
        ("POST PUT PATCH DELETE", "/api/v1/citypulse/.*", Managers, CityFrontend),

        // Reading the city.
        ("GET", "/api/v1/citypulse/.*", Everybody, AnyFrontend),

        ("GET POST DELETE", "/api/v1/ai/.*", Everybody, AnyFrontend),
        ("GET", "/api/v1/swarm/.*", Everybody, SwarmFrontends),
        ("POST", "/api/v1/swarm/.*", Managers, SwarmFrontends),
        ("GET POST CONNECT", "/ws.*", Everybody, AnyFrontend),

        // Oneself.
        ("GET", "/api/v1/auth/organizations", Everybody, AnyFrontend),
        ("POST", "/api/v1/auth/switch", Everybody, AnyFrontend),
    ];

    [Fact]
    public async Task Api_lets_in_exactly_whom_the_contract_names()
    {
        using var tokens = new TestTokens();
        await using var host = await ApiHost.StartAsync(
            stores, settings: [new("RATE_LIMITING_ENABLED", "false")],
            services: services => services.Replace(ServiceDescriptor.Singleton<IAccessTokenKeys>(tokens)));
        await ShouldFollowTheContractAsync(host.Services, host.BaseAddress, (role, frontend) => tokens.Issue(role, frontend), atLeast: 30);
    }

    [Fact]
    public async Task The_ai_gateway_lets_in_exactly_whom_the_contract_names()
    {
        using var tokens = new TestTokens();
        await using var api = await FakeServer.StartAsync((context, _) => FakeServer.JsonAsync(context, "{}", 404));
        await using var host = await GatewayHost.StartAsync(stores, api.Address, tokens, new() { ["RATE_LIMITING_ENABLED"] = "false" });
        await ShouldFollowTheContractAsync(host.Services, host.BaseAddress, (role, frontend) => tokens.Issue(role, frontend), atLeast: 5);
    }

    [Fact]
    public async Task Realtime_lets_in_exactly_whom_the_contract_names()
    {
        await using var redis = await TestStores.StartRedisAsync();
        await using var api = await CityPulse.Tests.Realtime.FakeApi.StartAsync();
        await using var host = await RealtimeHost.StartAsync(api, redis.Port, [new("RATE_LIMITING_ENABLED", "false")]);
        await ShouldFollowTheContractAsync(
            host.Services, host.Address, (role, frontend) => api.Token(Guid.CreateVersion7(), role, frontend: frontend), atLeast: 1);
    }

    private static async Task ShouldFollowTheContractAsync(IServiceProvider services, Uri address, Func<Role, Frontend?, string> issue, int atLeast)
    {
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, MaxConnectionsPerServer = 8 }) { BaseAddress = address };
        var calls = Calls(services);
        calls.Count.ShouldBeGreaterThanOrEqualTo(atLeast);
        calls.Where(call => LineOf(call) is null).Select(call => $"{call.Method} {call.Path}").ShouldBeEmpty("the contract's table has no line for them");

        var wrong = new List<string>();
        foreach (var call in calls)
        {
            var line = LineOf(call)!.Value;
            using (var stranger = await SendAsync(client, call, null, null))
            {
                Note(stranger, HttpStatusCode.Unauthorized, isIn: false, "a stranger");
            }

            foreach (var role in Enum.GetValues<Role>())
            {
                var may = line.Roles.Split(' ').Contains(role.ToString());
                await CheckAsync(role, null, null, may);
                foreach (var frontend in Enum.GetValues<Frontend>())
                {
                    var both = may && line.Frontends.Split(' ').Contains(FrontendNames.Of(frontend));
                    await CheckAsync(role, frontend, null, both);
                    await CheckAsync(role, null, frontend, both);
                }

                async Task CheckAsync(Role caller, Frontend? issuedTo, Frontend? named, bool isIn)
                {
                    using var answer = await SendAsync(client, call, issue(caller, issuedTo), named);
                    Note(answer, HttpStatusCode.Forbidden, isIn, $"{caller} with a token of {issuedTo?.ToString() ?? "none"}, naming {named?.ToString() ?? "none"}");
                }
            }

            void Note(HttpResponseMessage answer, HttpStatusCode refusal, bool isIn, string who)
            {
                var wasIn = answer.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden);
                if (wasIn != isIn || (!isIn && answer.StatusCode != refusal) || answer.StatusCode >= HttpStatusCode.InternalServerError)
                {
                    wrong.Add($"{call.Method} {call.Path} by {who}: {(int)answer.StatusCode}, but should be {(isIn ? "let in" : (int)refusal)}");
                }
            }
        }

        wrong.ShouldBeEmpty();
    }

    private sealed record Call(string Method, string Path);

    /// <summary>Everything that is not for everybody or for the services among themselves.</summary>
    private static List<Call> Calls(IServiceProvider services) =>
    [
        .. from endpoint in services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
           where endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null
           let path = '/' + endpoint.RoutePattern.RawText!.Trim('/')
           // The first is between the services; the second asks for the session itself, which a made-up token has none of (see MeTests).
           where !path.StartsWith("/internal", StringComparison.Ordinal) && path != "/api/v1/auth/me"
           from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
           where method is not ("HEAD" or "OPTIONS")
           select new Call(method, Regex.Replace(path, @"\{(\w+)(:[^}]*)?\}", "{id}")),
    ];

    private static (string Methods, string Path, string Roles, string Frontends)? LineOf(Call call)
    {
        foreach (var line in Contract)
        {
            if (line.Methods.Split(' ').Contains(call.Method)
                && Regex.IsMatch(call.Path, $"^{line.Path.Replace("{id}", @"\{id\}", StringComparison.Ordinal)}$"))
            {
                return line;
            }
        }

        return null;
    }

    /// <summary>With an id that does not exist and a body that is not valid: whoever is let in changes nothing.</summary>
    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, Call call, string? token, Frontend? frontend)
    {
        using var request = new HttpRequestMessage(new HttpMethod(call.Method), call.Path.Replace("{id}", $"{Guid.CreateVersion7()}", StringComparison.Ordinal));
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        if (frontend is { } named)
        {
            request.Headers.Add(CityHeaders.FrontendSource, FrontendNames.Of(named));
        }

        if (call.Method is "POST" or "PUT" or "PATCH")
        {
            request.Content = new StringContent("""{"noSuchMember":1}""", Encoding.UTF8, "application/json");
        }

        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }
}
