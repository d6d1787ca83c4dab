using CityPulse.Contracts;

namespace CityPulse.Api.Presence.Domain;

/// <summary>What was told of each organisation, and from it, what is to be told now. Not thread-safe.</summary>
internal sealed class PresenceLedger
{
    private readonly Dictionary<Guid, HashSet<PresentPerson>> _told = [];
    private readonly Dictionary<(string Replica, Guid OrganizationId), long> _asked = [];

    /// <summary>The organisations whose people are to be told, with all who are there now.</summary>
    /// <param name="reports">All reports that count, by replica.</param>
    public List<(Guid OrganizationId, IReadOnlyCollection<PresentPerson> Online)> Judge(IReadOnlyDictionary<string, PresenceReport> reports)
    {
        var now = reports.Values.SelectMany(report => report.Online).GroupBy(person => person.OrganizationId)
            .ToDictionary(people => people.Key, people => people.ToHashSet());
        var due = now.Where(people => !_told.TryGetValue(people.Key, out var told) || !told.SetEquals(people.Value)).Select(people => people.Key)
            .Concat(_told.Keys.Where(organization => !now.ContainsKey(organization)))
            .ToHashSet();
        foreach (var (replica, report) in reports)
        {
            due.UnionWith(report.Asked
                .Where(asked => now.ContainsKey(asked.Key) && _asked.GetValueOrDefault((replica, asked.Key)) != asked.Value)
                .Select(asked => asked.Key));
        }

        return [.. due.Order().Select(organization => (organization, (IReadOnlyCollection<PresentPerson>)now.GetValueOrDefault(organization, [])))];
    }

    /// <summary>Remembers that this was told.</summary>
    public void Told(Guid organizationId, IReadOnlyCollection<PresentPerson> online, IReadOnlyDictionary<string, PresenceReport> reports)
    {
        if (online.Count == 0)
        {
            _told.Remove(organizationId);
        }
        else
        {
            _told[organizationId] = [.. online];
        }

        foreach (var key in _asked.Keys.Where(key => key.OrganizationId == organizationId).ToList())
        {
            _asked.Remove(key);
        }

        foreach (var (replica, report) in reports)
        {
            if (report.Asked.TryGetValue(organizationId, out var asked))
            {
                _asked[(replica, organizationId)] = asked;
            }
        }
    }
}
