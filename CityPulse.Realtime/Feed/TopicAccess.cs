using System.Net;
using System.Net.Http.Headers;
using CityPulse.Realtime.Feed.Domain;
using CityPulse.ServiceDefaults.Security;

namespace CityPulse.Realtime.Feed;

/// <summary>
/// Whether a caller may follow topics. Role and frontend decide here; whether a building or sensor is one of the caller's
/// organisation is asked of Api; a swarm run is asked for with the caller's own token.
/// </summary>
internal sealed class TopicAccess(HttpClient http, ResourceDirectory directory)
{
    /// <summary>Why the connection may not follow one of the topics; <c>null</c> when it may follow them all.</summary>
    public async Task<string?> RefusalAsync(FeedConnection connection, IReadOnlyCollection<Topic> topics, CancellationToken cancel)
    {
        var caller = connection.Caller;
        foreach (var topic in topics)
        {
            if (!AccessTable.Allows(caller.Role, caller.Frontend, topic.Permission))
            {
                return NotAllowed(topic);
            }
        }

        try
        {
            foreach (var missing in await directory.MissingAsync(caller.OrganizationId, topics, cancel))
            {
                return NotThere(missing.Resource!, missing);
            }

            foreach (var run in topics.Where(topic => topic.Kind == TopicKind.SwarmRun))
            {
                if (await RunRefusalAsync(connection, run, cancel) is { } refusal)
                {
                    return refusal;
                }
            }

            return null;
        }
        catch (Exception e) when (Upstream.IsAway(e, cancel))
        {
            return "It cannot be checked at the moment what you may follow. Try again.";
        }
    }

    private async Task<string?> RunRefusalAsync(FeedConnection connection, Topic topic, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/swarm/runs/{topic.Id:D}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", connection.AccessToken);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        return response.StatusCode switch
        {
            HttpStatusCode.OK => null,
            HttpStatusCode.NotFound => NotThere("swarm run", topic),
            HttpStatusCode.Unauthorized => FeedClose.Expired.Detail(),
            HttpStatusCode.Forbidden => NotAllowed(topic),
            _ => $"'{topic}' cannot be checked at the moment. Try again.",
        };
    }

    private static string NotAllowed(Topic topic) => $"You may not follow '{topic}'.";

    private static string NotThere(string noun, Topic topic) => $"There is no such {noun}: '{topic}'.";
}
