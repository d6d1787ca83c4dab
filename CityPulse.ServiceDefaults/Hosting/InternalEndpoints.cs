using System.Security.Cryptography;
using System.Text;
using CityPulse.Contracts;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>Calls between the services: on the internal port, with the shared key.</summary>
public static class InternalEndpoints
{
    internal const string KeySetting = "Internal:Key";
    internal const string Policy = "Internal";

    /// <summary>The group <c>/internal</c>. Its endpoints exist on the internal port only and ask for <c>X-Internal-Key</c>.</summary>
    public static RouteGroupBuilder MapInternal(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup(InternalPortExtensions.InternalPath);
        group.RequireAuthorization(Policy).ExcludeFromDescription();
        return group;
    }

    /// <summary>
    /// Sends the shared key with every request of this client: for clients of other services of CityPulse only. On the internal port it
    /// opens the door; on the public one it says that the request was counted already, where its caller came in.
    /// </summary>
    public static IHttpClientBuilder AddInternalKey(this IHttpClientBuilder client) =>
        client.ConfigureHttpClient((services, http) =>
        {
            if (services.GetRequiredService<IConfiguration>()[KeySetting] is { Length: > 0 } key)
            {
                http.DefaultRequestHeaders.Add(CityHeaders.InternalKey, key);
            }
        });
}

/// <summary>The shared key, compared in a time that tells nothing. Where none is configured nobody gets in.</summary>
internal sealed class InternalKey(IConfiguration configuration)
{
    private readonly byte[]? _expected =
        configuration[InternalEndpoints.KeySetting] is { Length: > 0 } key ? SHA256.HashData(Encoding.UTF8.GetBytes(key)) : null;

    public bool IsShownBy(HttpRequest request) =>
        _expected is not null && request.Headers[CityHeaders.InternalKey] is [{ } sent]
        && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(sent)), _expected);
}

internal sealed class InternalKeyRequirement(InternalKey key) : AuthorizationHandler<InternalKeyRequirement>, IAuthorizationRequirement
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, InternalKeyRequirement requirement)
    {
        if (context.Resource is HttpContext http && key.IsShownBy(http.Request))
        {
            context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }
}
