using System.Collections.Concurrent;

namespace CityPulse.Api.Alerts.Evaluation;

/// <summary>
/// Every organisation's enabled rules, read once. Whoever judges holds the rules' lock and names the version that is in the database, which
/// every change of a rule moves in its own transaction: so no replica judges by rules of before.
/// </summary>
internal sealed class RuleCache
{
    private const int MostOrganizations = 1000;
    private readonly ConcurrentDictionary<Guid, (long Version, List<JudgedRule> Rules)> _known = new();

    /// <param name="read">Reads them, as they are in the version.</param>
    public async ValueTask<List<JudgedRule>> GetAsync(Guid organization, long version, Func<Task<List<JudgedRule>>> read)
    {
        if (_known.TryGetValue(organization, out var known) && known.Version == version)
        {
            return known.Rules;
        }

        var rules = await read();
        if (_known.Count >= MostOrganizations)
        {
            _known.Clear();
        }

        _known[organization] = (version, rules);
        return rules;
    }
}
