using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Realtime.Feed.Domain;
using Microsoft.Extensions.Caching.Memory;

namespace CityPulse.Realtime.Feed;

/// <summary>
/// The buildings and sensors of organisations, as Api knows them: asked once for all that a call names, and what is there
/// is remembered for a short while.
/// </summary>
internal sealed class ResourceDirectory(HttpClient http, KnownResources known)
{
    /// <summary>Those topics whose building or sensor the organisation does not have.</summary>
    /// <exception cref="HttpRequestException">Api does not answer as it should.</exception>
    public async Task<HashSet<Topic>> MissingAsync(Guid organizationId, IEnumerable<Topic> topics, CancellationToken cancel)
    {
        var unknown = topics.Where(topic => topic.Resource is { } noun && !known.Contains(organizationId, noun, topic.Id)).ToHashSet();
        if (unknown.Count == 0)
        {
            return unknown;
        }

        var request = new ResourcesRequest(organizationId, Ids(Topic.Building), Ids(Topic.Sensor));
        using var response = await http.PostAsJsonAsync("/internal/resources", request, JsonSerializerOptions.Web, cancel);
        response.EnsureSuccessStatusCode();
        var found = await response.Content.ReadFromJsonAsync<ResourcesResponse>(JsonSerializerOptions.Web, cancel)
            ?? throw new InvalidDataException("Api does not tell which resources there are.");
        Remember(Topic.Building, found.Buildings);
        Remember(Topic.Sensor, found.Sensors);
        return unknown;

        List<Guid> Ids(string noun) => [.. unknown.Where(topic => topic.Resource == noun).Select(topic => topic.Id).Distinct()];

        void Remember(string noun, IReadOnlyList<Guid> ids)
        {
            foreach (var id in ids)
            {
                known.Add(organizationId, noun, id);
            }

            unknown.RemoveWhere(topic => topic.Resource == noun && ids.Contains(topic.Id));
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
