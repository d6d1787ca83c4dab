using CityPulse.AiGateway.Local;
using CityPulse.AiGateway.Local.Domain;
using CityPulse.AiGateway.Models;
using CityPulse.AiGateway.Swarm.Domain;
using CityPulse.AiGateway.Tools;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Swarm;

/// <summary>
/// A turn of the built-in assistant. It answers questions by rules and cannot read instructions, so it is asked what serves the agent's
/// part: the goal where it understands it, else the figures of the agent's trade. An agent without tools puts together what was said.
/// </summary>
internal sealed class LocalTurn(AgentTurn turn, TurnContext context)
{
    public async Task<TurnOutcome> RunAsync(ModelInfo model, Func<string, Task> onText, CancellationToken cancellationToken)
    {
        var language = QuestionParser.Parse(context.Run.Goal, []).Language;
        var outcome = context.Agent.Tools is { Count: 0 }
            ? await ReportAsync(model, language, onText)
            : await AnswerAsync(model, language, onText, cancellationToken);

        // Rules give the same answer again, so a second round of a group would add nothing.
        return outcome with { HandOffTo = Heir(), Concludes = context.Turn.Index >= context.Agents.Count - 1 };
    }

    private async Task<TurnOutcome> AnswerAsync(ModelInfo model, Language language, Func<string, Task> onText, CancellationToken cancellationToken)
    {
        var (input, output) = (0L, 0L);
        TurnOutcome? last = null;
        foreach (var question in CityCrew.Questions(context.Agent, context.Run.Goal, language == Language.German))
        {
            var message = new ChatMessage(ChatRole.User, question) { CreatedAt = context.Run.StartedAt };
            // Each question looks things up anew, which is no loop.
            last = await turn.AskAsync(context with { Guard = new LoopGuard() }, model, [message], instructions: "", _ => Task.CompletedTask, cancellationToken);
            (input, output) = (input + last.InputTokens, output + last.OutputTokens);
            if (last.Tools.MustStop || GivesFigures(last))
            {
                break;
            }
        }

        await onText(last!.Content);
        return last with { InputTokens = input, OutputTokens = output };
    }

    private async Task<TurnOutcome> ReportAsync(ModelInfo model, Language language, Func<string, Task> onText)
    {
        var footer = new Wording(language).Footer;
        var said = context.Said.Select(s => (context.Agents[s.Agent].Name, s.Content.Replace(footer, "", StringComparison.Ordinal))).ToList();
        var content = $"{LocalReport.Compose(context.Run.Goal, said, language == Language.German)}\n\n{footer}";
        await onText(content);
        return new TurnOutcome(
            model, content, new ToolLog(), HandOffTo: null, Concludes: false, Words(context.Run.Goal) + said.Sum(s => Words(s.Item2)), Words(content), CostUsd: 0);
    }

    private string? Heir() =>
        context.Run.Plan.Pattern == SwarmPattern.Handoff
        && HandoffRouter.Next(context.Run.Goal, context.Agents, [.. context.Said.Select(s => s.Agent), context.Turn.Agent]) is { } heir
            ? context.Agents[heir].Name
            : null;

    /// <summary>Looking up buildings is no answer yet, unless it says how many.</summary>
    private static bool GivesFigures(TurnOutcome outcome) =>
        outcome.Tools.Calls.Any(c => c.Name != CityTools.ListBuildings) || (!outcome.Tools.Calls.IsEmpty && outcome.Content.Any(char.IsDigit));

    /// <summary>As the assistant counts them.</summary>
    private static long Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
}
