using CityPulse.Realtime.Feed.Domain;

namespace CityPulse.Realtime.Feed;

/// <summary>
/// Which connections follow which topic of which organisation. An organisation's index is reached through its id only, so
/// nothing can reach another organisation's connections. Not thread-safe.
/// </summary>
internal sealed class FollowerIndex
{
    private readonly Dictionary<Guid, Dictionary<Topic, Dictionary<FeedConnection, EventId>>> _organizations = [];

    /// <summary>The organisation's followers by topic, each with the id after which live events are for it; <c>null</c> when it has none.</summary>
    public Dictionary<Topic, Dictionary<FeedConnection, EventId>>? Of(Guid organizationId) => _organizations.GetValueOrDefault(organizationId);

    public void Set(FeedConnection connection, Topic topic, EventId after)
    {
        if (!_organizations.TryGetValue(connection.Caller.OrganizationId, out var topics))
        {
            _organizations.Add(connection.Caller.OrganizationId, topics = []);
        }

        if (!topics.TryGetValue(topic, out var followers))
        {
            topics.Add(topic, followers = []);
        }

        followers[connection] = after;
    }

    public void Remove(FeedConnection connection, Topic topic)
    {
        var topics = _organizations[connection.Caller.OrganizationId];
        var followers = topics[topic];
        followers.Remove(connection);
        if (followers.Count == 0)
        {
            topics.Remove(topic);
        }

        if (topics.Count == 0)
        {
            _organizations.Remove(connection.Caller.OrganizationId);
        }
    }
}
