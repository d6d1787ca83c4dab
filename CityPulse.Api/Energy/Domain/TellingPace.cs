namespace CityPulse.Api.Energy.Domain;

/// <summary>
/// Which buildings are to be told of: those that got readings, each at most once in a while. What takes long to work out
/// is told less often, so that the telling never takes more than a small share of the time. Not thread-safe.
/// </summary>
internal sealed class TellingPace(TimeSpan interval)
{
    /// <summary>The telling of a building may take this part of the time.</summary>
    private const int Share = 20;

    private readonly Dictionary<Guid, Guid> _touched = [];
    private readonly Dictionary<Guid, DateTimeOffset> _notBefore = [];

    public void Touch(Guid organizationId, Guid buildingId) => _touched[buildingId] = organizationId;

    /// <summary>The buildings whose time has come.</summary>
    public List<(Guid OrganizationId, Guid BuildingId)> Due(DateTimeOffset now)
    {
        foreach (var free in _notBefore.Where(b => b.Value <= now).Select(b => b.Key).ToList())
        {
            _notBefore.Remove(free);
        }

        return [.. _touched.Where(b => !_notBefore.ContainsKey(b.Key)).Select(b => (b.Value, b.Key))];
    }

    /// <param name="now">When it was told.</param>
    /// <param name="took">How long working it out took.</param>
    public void Told(Guid buildingId, DateTimeOffset now, TimeSpan took)
    {
        _touched.Remove(buildingId);
        _notBefore[buildingId] = now + (took * Share > interval ? took * Share : interval);
    }
}
