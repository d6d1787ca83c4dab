using CityPulse.Contracts;

namespace CityPulse.Realtime.Presence;

/// <summary>Who is connected to this replica: a person is, from the first connection to the end of the last.</summary>
internal sealed class PresenceBoard
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PresentPerson, int> _connections = [];
    private readonly Dictionary<Guid, long> _asked = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes at the next change after the last <see cref="Report"/>.</summary>
    public Task Changed
    {
        get
        {
            lock (_gate)
            {
                return _changed.Task;
            }
        }
    }

    public void Joined(PresentPerson person)
    {
        lock (_gate)
        {
            var connections = _connections.GetValueOrDefault(person);
            _connections[person] = connections + 1;
            if (connections == 0)
            {
                _changed.TrySetResult();
            }
        }
    }

    public void Left(PresentPerson person)
    {
        lock (_gate)
        {
            if (--_connections[person] == 0)
            {
                _connections.Remove(person);
                _changed.TrySetResult();
            }
        }
    }

    /// <summary>A client wants to know who is there.</summary>
    public void Asked(Guid organizationId)
    {
        lock (_gate)
        {
            _asked[organizationId] = _asked.GetValueOrDefault(organizationId) + 1;
            _changed.TrySetResult();
        }
    }

    public PresenceReport Report()
    {
        lock (_gate)
        {
            if (_changed.Task.IsCompleted)
            {
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            // An organisation without anybody asks for nothing.
            var present = _connections.Keys.Select(person => person.OrganizationId).ToHashSet();
            foreach (var gone in _asked.Keys.Where(organization => !present.Contains(organization)).ToList())
            {
                _asked.Remove(gone);
            }

            return new PresenceReport([.. _connections.Keys], new Dictionary<Guid, long>(_asked));
        }
    }
}
