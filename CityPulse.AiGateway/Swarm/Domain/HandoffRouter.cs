using System.Globalization;
using System.Text;

namespace CityPulse.AiGateway.Swarm.Domain;

/// <summary>Who goes on with a goal, by the words that the goal and an agent's task share: for agents without a language model.</summary>
internal static class HandoffRouter
{
    /// <summary>Words that belong together: a goal with one of them is for an agent with another.</summary>
    private static readonly string[][] Fields =
    [
        ["alarm", "alert", "incident", "fault", "offline", "stale", "sensor", "broken", "storung", "ausfall"],
        ["energy", "consum", "kwh", "electric", "gas", "heat", "peak", "saving", "efficien", "load", "energie", "verbrauch", "strom", "warme"],
        ["report", "summar", "sum up", "bericht", "zusammen"],
    ];

    /// <summary>
    /// The first agent hands over to the specialist that fits the goal best; a specialist to whoever sums up (an agent without tools), if
    /// there is one. Null when nobody is left to hand over to.
    /// </summary>
    /// <param name="spoken">Numbers of the agents that have spoken, the present one included.</param>
    public static int? Next(string goal, IReadOnlyList<AgentSpec> agents, IReadOnlyCollection<int> spoken)
    {
        var left = Enumerable.Range(0, agents.Count).Where(i => !spoken.Contains(i)).ToList();
        var specialists = left.Where(i => agents[i].Tools is not { Count: 0 }).ToList();
        var candidates = spoken.Count == 1 && specialists.Count > 0 ? specialists : [.. left.Except(specialists)];
        var words = Normalize(goal);
        return candidates.OrderByDescending(i => Score(words, Normalize($"{agents[i].Name} {agents[i].Instructions}"))).ThenBy(i => i)
            .Select(i => (int?)i)
            .FirstOrDefault();
    }

    private static int Score(string goal, string agent)
    {
        var fields = Fields.Sum(f => f.Any(goal.Contains) ? f.Count(agent.Contains) : 0);
        var shared = goal.Split(' ', StringSplitOptions.RemoveEmptyEntries).Distinct().Count(w => w.Length > 4 && agent.Contains(w, StringComparison.Ordinal));
        return (2 * fields) + shared;
    }

    /// <summary>Lower case, without accents, words apart by one space.</summary>
    private static string Normalize(string text)
    {
        var letters = text.Normalize(NormalizationForm.FormD).Where(c => CharUnicodeInfo.GetUnicodeCategory(c) != UnicodeCategory.NonSpacingMark)
            .Select(c => char.IsLetterOrDigit(c) ? char.ToLowerInvariant(c) : ' ');
        return string.Concat(letters);
    }
}
