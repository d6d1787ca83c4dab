using System.Net.Http.Json;
using System.Text.Json;
using CityPulse.ServiceDefaults.Hosting;
using Microsoft.Extensions.Configuration;
using Polly;

namespace CityPulse.ServiceDefaults.Revocations;

/// <summary>Asks Api on its internal port.</summary>
internal sealed class ApiRevocationSource : IRevocationSource
{
    public const string ClientName = "revocations";

    private readonly IHttpClientFactory _clients;

    public ApiRevocationSource(IHttpClientFactory clients, IConfiguration configuration)
    {
        if (configuration[InternalEndpoints.KeySetting] is not { Length: > 0 })
        {
            throw new InvalidOperationException(
                $"{InternalEndpoints.KeySetting} must be set: without it Api does not tell which sessions have ended, and nobody could be let in.");
        }

        _clients = clients;
    }

    public async Task<RevocationPage> ReadAsync(long since, CancellationToken cancellationToken)
    {
        try
        {
            using var client = _clients.CreateClient(ClientName);
            return await client.GetFromJsonAsync<RevocationPage>(new Uri($"/internal/revocations?since={since}", UriKind.Relative), cancellationToken)
                is { Ids: not null } page
                ? page
                : throw new RevocationsUnavailableException("Api's answer is no list of revocations.");
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or IOException or ExecutionRejectedException)
        {
            throw new RevocationsUnavailableException("Api does not tell which sessions have ended.", e);
        }
    }
}
