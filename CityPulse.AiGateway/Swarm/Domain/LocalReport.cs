using System.Text;

namespace CityPulse.AiGateway.Swarm.Domain;

/// <summary>What an agent without tools and without a language model can do: put together what the others said.</summary>
internal static class LocalReport
{
    public static string Compose(string goal, IReadOnlyList<(string Agent, string Content)> said, bool isGerman)
    {
        var text = new StringBuilder(isGerman ? "Ziel: " : "Goal: ").AppendLine(goal.Trim().ReplaceLineEndings(" "));
        if (said.Count == 0)
        {
            text.AppendLine().AppendLine(isGerman ? "Bisher hat niemand etwas berichtet." : "Nobody has reported anything yet.");
        }

        foreach (var (agent, content) in said)
        {
            text.AppendLine().Append("## ").AppendLine(agent).AppendLine().AppendLine(content.Trim());
        }

        return text.ToString().TrimEnd();
    }
}
