using System.Net;
using System.Net.Http.Headers;
using CityPulse.Realtime.Feed.Domain;
using CityPulse.ServiceDefaults.Security;
using Microsoft.Extensions.Caching.Memory;

namespace CityPulse.Realtime.Feed;

/// <summary>
/// Whether a caller may follow a topic. Role and frontend decide here; whether a building or sensor exists in the caller's
/// organisation is asked of Api with the caller's own token, and a yes is remembered for a short while.
/// </summary>
internal sealed class TopicAccess(HttpClient http, KnownResources known)
{
    /// <summary>Why the connection may not follow the topic; <c>null</c> when it may.</summary>
    public async Task<string?> RefusalAsync(FeedConnection connection, Topic topic, CancellationToken cancel)
    {
        var caller = connection.Caller;
        if (!AccessTable.Allows(caller.Role, caller.Frontend, topic.Permission))
        {
            return $"You may not follow '{topic}'.";
        }

        var (noun, address) = topic.Kind switch
        {
            TopicKind.BuildingReadings or TopicKind.BuildingAlerts => ("building", $"/api/v1/citypulse/buildings/{topic.Id:D}"),
            TopicKind.SensorReadings => ("sensor", $"/api/v1/citypulse/sensors/{topic.Id:D}"),
            TopicKind.SwarmRun => ("swarm run", $"/api/v1/swarm/runs/{topic.Id:D}"),
            _ => (null, null),
        };
        if (noun is null || known.Contains(caller.OrganizationId, noun, topic.Id))
        {
            return null;
        }

        switch (await AskAsync(connection, address!, cancel))
        {
            case HttpStatusCode.OK:
                known.Add(caller.OrganizationId, noun, topic.Id);
                return null;
            case HttpStatusCode.NotFound:
                return $"There is no such {noun}: '{topic}'.";
            case HttpStatusCode.Unauthorized:
                return FeedClose.Expired.Detail();
            case HttpStatusCode.Forbidden:
                return $"You may not follow '{topic}'.";
            default:
                return $"'{topic}' cannot be checked at the moment. Try again.";
        }
    }

    private async Task<HttpStatusCode> AskAsync(FeedConnection connection, string address, CancellationToken cancel)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", connection.AccessToken);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
            return response.StatusCode;
        }
        catch (Exception e) when (Upstream.IsAway(e, cancel))
        {
            return HttpStatusCode.ServiceUnavailable;
        }
    }
}

/// <summary>Buildings and sensors that were there a moment ago.</summary>
internal sealed class KnownResources(IMemoryCache cache)
{
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(60);

    public bool Contains(Guid organizationId, string noun, Guid id) => cache.TryGetValue((organizationId, noun, id), out _);

    public void Add(Guid organizationId, string noun, Guid id) => cache.Set((organizationId, noun, id), true, Remembered);
}
