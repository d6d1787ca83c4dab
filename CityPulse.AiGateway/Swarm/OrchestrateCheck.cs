using CityPulse.AiGateway.Models;
using CityPulse.AiGateway.Swarm.Domain;

namespace CityPulse.AiGateway.Swarm;

/// <summary>Turns a request into a plan, or says all that is wrong with it.</summary>
internal static class OrchestrateCheck
{
    public const int LongestText = 8000;
    public const int LongestName = 64;
    public const int MostAgents = 16;
    public const int MostTurns = 100;
    public const decimal MostCostUsd = 1000;

    /// <param name="known">Names of the tools that there are.</param>
    public static (RunPlan? Plan, Dictionary<string, string[]> Errors) Read(OrchestrateRequest request, ModelCatalogue catalogue, IReadOnlySet<string> known)
    {
        var errors = new Dictionary<string, string[]>();
        if (string.IsNullOrWhiteSpace(request.Goal) || request.Goal.Length > LongestText)
        {
            Refuse("goal", $"goal must have 1 to {LongestText} characters.");
        }

        if (request.Pattern is not { } pattern)
        {
            Refuse("pattern", "pattern must be sequential, concurrent, handoff or group_chat.");
            pattern = SwarmPattern.Sequential;
        }

        if (request.MaxTurns is < 1 or > MostTurns)
        {
            Refuse("maxTurns", $"maxTurns must be from 1 to {MostTurns}.");
        }

        if (request.MaxCostUsd is < 0 or > MostCostUsd)
        {
            Refuse("maxCostUsd", $"maxCostUsd must be from 0 to {MostCostUsd}.");
        }

        if (request.Agents is { Count: 0 or > MostAgents })
        {
            Refuse("agents", $"agents must have 1 to {MostAgents} agents; leave it out for the usual ones.");
            return (null, errors);
        }

        var agents = request.Agents is null ? CityCrew.For(pattern) : ReadAgents(request.Agents, catalogue, known, errors);
        if (request.MaxCostUsd is { } most)
        {
            CheckCost(most, agents, catalogue, errors);
        }

        return errors.Count > 0
            ? (null, errors)
            : (new RunPlan(pattern, agents, request.MaxTurns ?? TurnPlanner.DefaultTurns(pattern, agents.Count), request.MaxCostUsd), errors);

        void Refuse(string path, string message) => errors[path] = [message];
    }

    public static ModelInfo ModelOf(AgentSpec agent, ModelCatalogue catalogue) =>
        (agent.Model is null ? null : catalogue.Find(agent.Model)) ?? catalogue.Default;

    private static List<AgentSpec> ReadAgents(
        IReadOnlyList<AgentRequest?> requested, ModelCatalogue catalogue, IReadOnlySet<string> known, Dictionary<string, string[]> errors)
    {
        var agents = new List<AgentSpec>();
        for (var i = 0; i < requested.Count; i++)
        {
            var (path, agent) = ($"agents[{i}]", requested[i] ?? new AgentRequest());
            var name = agent.Name?.Trim() ?? "";
            if (name.Length is 0 or > LongestName || name.Any(char.IsControl))
            {
                errors[$"{path}.name"] = [$"name must have 1 to {LongestName} characters, on one line."];
            }
            else if (TurnPlanner.NumberOf(agents, name) >= 0)
            {
                errors[$"{path}.name"] = [$"name must differ from the other agents' names; '{name}' is there twice."];
            }

            if (string.IsNullOrWhiteSpace(agent.Instructions) || agent.Instructions.Length > LongestText)
            {
                errors[$"{path}.instructions"] = [$"instructions must have 1 to {LongestText} characters."];
            }

            if (agent.Model is { } model && catalogue.Find(model) is not { Available: true })
            {
                errors[$"{path}.model"] = ["model must be an available one of GET /api/v1/ai/models, by id or alias."];
            }

            var tools = agent.Tools ?? [];
            for (var j = 0; j < tools.Count; j++)
            {
                if (tools[j] is not { } tool || !known.Contains(tool))
                {
                    errors[$"{path}.tools[{j}]"] = [$"There is no such tool. There are {string.Join(", ", known.Order(StringComparer.Ordinal))}."];
                }
            }

            agents.Add(new AgentSpec(name, agent.Instructions ?? "", agent.Model, agent.Tools is null ? null : [.. tools.OfType<string>().Distinct()]));
        }

        return agents;
    }

    /// <summary>A limit that could not be kept is refused, not ignored.</summary>
    private static void CheckCost(decimal most, IReadOnlyList<AgentSpec> agents, ModelCatalogue catalogue, Dictionary<string, string[]> errors)
    {
        var models = agents.Select(a => ModelOf(a, catalogue)).DistinctBy(m => m.Id).ToList();
        if (models.Find(m => m.Cost(1, 1) is null) is { } unknown)
        {
            errors["maxCostUsd"] = [$"The price of {unknown.Id} is not known here, so its cost cannot be limited."];
        }
        else if (most == 0 && models.Find(m => m.Cost(1, 1) > 0) is { } paid)
        {
            errors["maxCostUsd"] = [$"{paid.Id} is not free of charge, so maxCostUsd must be above 0."];
        }
    }
}
