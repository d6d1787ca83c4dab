namespace CityPulse.AiGateway.Swarm.Domain;

/// <summary>The agents of runs that bring none, and what each of them looks at first when no language model decides that.</summary>
internal static class CityCrew
{
    public const string Analyst = "analyst";
    public const string EnergyEngineer = "energy engineer";
    public const string AlarmInvestigator = "alarm investigator";
    public const string Reporter = "reporter";

    private static readonly AgentSpec[] Crew =
    [
        new(Analyst, "Find the figures that the goal asks for: which buildings, which period, how much, compared with what. Name the coverage of every energy figure."),
        new(EnergyEngineer, "Look for the reason behind the figures: the largest consumers, peaks, use per square metre. Propose what to check first, and what it may save."),
        new(AlarmInvestigator, "Look at alerts and at sensors that are stale or offline. Say what is wrong, since when, and which figures it makes doubtful."),
        new(Reporter, "Sum up what the others found, for a reader with one minute: the answer first, then the figures with their sources, then what is not known.", Tools: []),
    ];

    private static readonly string[] EnglishBasics = ["How much energy did all buildings use last month?", "How many buildings are there?"];
    private static readonly string[] GermanBasics = ["Wie viel Energie haben alle Gebäude letzten Monat verbraucht?", "Wie viele Gebäude gibt es?"];

    /// <summary>Side by side nobody hears the others, so there is nothing for a reporter to sum up.</summary>
    public static IReadOnlyList<AgentSpec> For(SwarmPattern pattern) => pattern == SwarmPattern.Concurrent ? Crew[..^1] : Crew;

    /// <summary>
    /// Questions that the rule-based assistant can be asked on an agent's behalf, the best first: the goal if it understands that, else
    /// what the agent's own task says, else the figures of its trade.
    /// </summary>
    public static IReadOnlyList<string> Questions(AgentSpec agent, string goal, bool isGerman)
    {
        var trade = Trade(agent, isGerman);
        // The crew's specialists go beyond the goal; agents that somebody brought are there for it.
        var isSpecialist = agent == Crew[1] || agent == Crew[2];
        string[] first = isSpecialist ? [.. trade, goal] : Crew.Contains(agent) ? [goal] : [goal, agent.Instructions, .. trade];
        return [.. first.Concat(isGerman ? GermanBasics : EnglishBasics).Distinct()];
    }

    private static string[] Trade(AgentSpec agent, bool isGerman)
    {
        var text = $"{agent.Name} {agent.Instructions}";
        return Names(text, "alarm", "alert", "incident", "fault", "sensor", "störung", "stoerung") ? isGerman
                ? ["Welche Alarme sind offen?", "Wie viele Sensoren gibt es?"]
                : ["Which alerts are open?", "How many sensors are there?"]
            : Names(text, "engineer", "efficien", "saving", "consum", "optimi", "ingenieur", "effizien", "verbrauch") ? isGerman
                ? ["Welches Gebäude hat letzten Monat am meisten Energie verbraucht?"]
                : ["Which building used the most energy last month?"]
            : [];
    }

    private static bool Names(string text, params string[] words) => words.Any(w => text.Contains(w, StringComparison.OrdinalIgnoreCase));
}
