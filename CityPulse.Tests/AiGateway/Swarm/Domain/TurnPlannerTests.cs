using System.Text.Json;
using CityPulse.AiGateway.Swarm.Domain;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Swarm.Domain;

public sealed class TurnPlannerTests
{
    private static readonly AgentSpec[] Three = [new("a", "first"), new("b", "second"), new("c", "third")];

    private static RunPlan Plan(SwarmPattern pattern, int maxTurns = 100, decimal? maxCost = null) => new(pattern, Three, maxTurns, maxCost);

    private static StepFact Step(int index, int agent, string? handOffTo = null, bool concludes = false, decimal cost = 0) =>
        new(index, agent, $"said {index}", handOffTo, concludes, cost);

    private static string Next(RunPlan plan, params StepFact[] steps) => TurnPlanner.Next(plan, steps) switch
    {
        Move.Speak speak => string.Join(' ', speak.Turns.Select(t => $"{t.Index}:{plan.Agents[t.Agent].Name}")),
        Move.End end => $"{end.Status} {end.Reason}",
        _ => "",
    };

    [Fact]
    public void In_a_sequence_each_agent_speaks_once_and_in_order()
    {
        var plan = Plan(SwarmPattern.Sequential);
        Next(plan).ShouldBe("0:a");
        Next(plan, Step(0, 0)).ShouldBe("1:b");
        Next(plan, Step(0, 0), Step(1, 1)).ShouldBe("2:c");
        Next(plan, Step(0, 0), Step(1, 1), Step(2, 2)).ShouldBe("Completed Done");
        TurnPlanner.Result(plan, [Step(0, 0), Step(1, 1)]).ShouldBe("said 1");
    }

    [Fact]
    public void Side_by_side_all_that_have_not_spoken_are_due_whatever_is_stored_already()
    {
        var plan = Plan(SwarmPattern.Concurrent);
        Next(plan).ShouldBe("0:a 1:b 2:c");
        Next(plan, Step(1, 1)).ShouldBe("0:a 2:c");
        Next(plan, Step(2, 2), Step(0, 0), Step(1, 1)).ShouldBe("Completed Done");
        TurnPlanner.Result(plan, [Step(2, 2), Step(0, 0)]).ShouldBe("## a\n\nsaid 0\n\n## c\n\nsaid 2");
    }

    [Fact]
    public void In_a_handoff_the_one_goes_on_who_was_named()
    {
        var plan = Plan(SwarmPattern.Handoff);
        Next(plan).ShouldBe("0:a");
        Next(plan, Step(0, 0, handOffTo: "C")).ShouldBe("1:c");
        Next(plan, Step(0, 0, "c"), Step(1, 2, "a")).ShouldBe("2:a");
        Next(plan, Step(0, 0, "c"), Step(1, 2)).ShouldBe("Completed Done");
        Next(plan, Step(0, 0, "nobody")).ShouldBe("Completed Done");
    }

    [Fact]
    public void A_group_takes_turns_until_somebody_concludes()
    {
        var plan = Plan(SwarmPattern.GroupChat);
        Next(plan, Step(0, 0), Step(1, 1), Step(2, 2)).ShouldBe("3:a");
        Next(plan, Step(0, 0), Step(1, 1, concludes: true)).ShouldBe("Completed Done");
    }

    [Theory]
    [InlineData(SwarmPattern.Sequential)]
    [InlineData(SwarmPattern.Concurrent)]
    [InlineData(SwarmPattern.GroupChat)]
    public void Turns_are_steps_of_all_agents_together(SwarmPattern pattern)
    {
        var plan = Plan(pattern, maxTurns: 2);
        var steps = new List<StepFact>();
        while (TurnPlanner.Next(plan, steps) is Move.Speak speak)
        {
            steps.AddRange(speak.Turns.Select(t => Step(t.Index, t.Agent)));
        }

        steps.Count.ShouldBe(2);
        TurnPlanner.Next(plan, steps).ShouldBe(new Move.End(RunStatus.Completed, StopReason.MaxTurns));
    }

    [Fact]
    public void No_step_begins_when_the_money_is_spent_but_a_run_that_is_done_is_done()
    {
        var plan = Plan(SwarmPattern.Sequential, maxCost: 0.5m);
        Next(plan, Step(0, 0, cost: 0.49m)).ShouldBe("1:b");
        Next(plan, Step(0, 0, cost: 0.5m)).ShouldBe("Failed MaxCost");
        Next(plan, Step(0, 0), Step(1, 1), Step(2, 2, cost: 1)).ShouldBe("Completed Done");
        Next(Plan(SwarmPattern.Sequential, maxCost: 0), Step(0, 0)).ShouldBe("1:b");
    }

    [Fact]
    public void The_life_of_a_run_is_this_table()
    {
        foreach (var status in Enum.GetValues<RunStatus>())
        {
            var leads = Enum.GetValues<RunTrigger>().Select(t => RunLifecycle.After(status, t)?.ToString() ?? "-");
            string.Join(' ', leads).ShouldBe(status switch
            {
                RunStatus.Queued => "Running - - Cancelled",
                RunStatus.Running => "Running Completed Failed Cancelled",
                _ => "- - - -",
            }, $"{status}");
            RunLifecycle.IsEnd(status).ShouldBe(status is RunStatus.Completed or RunStatus.Failed or RunStatus.Cancelled);
            RunLifecycle.Parse(RunLifecycle.Name(status)).ShouldBe(status);
        }
    }

    [Fact]
    public void The_third_call_of_a_tool_with_the_same_arguments_is_a_loop()
    {
        var guard = new LoopGuard();
        var (first, same, other) = (JsonElement.Parse("""{"a":1,"b":[1,{"d":2,"c":null}]}"""), JsonElement.Parse("""{"b":[1,{"d":2}],"a":1}"""), JsonElement.Parse("""{"a":2}"""));
        guard.Allows(0, "tool", first).ShouldBeTrue();
        guard.Allows(0, "tool", same).ShouldBeTrue();
        guard.Allows(0, "tool", other).ShouldBeTrue();
        guard.Allows(0, "another", first).ShouldBeTrue();
        guard.Allows(1, "tool", first).ShouldBeTrue();
        guard.Allows(0, "tool", first).ShouldBeFalse();
    }

    [Theory]
    [InlineData("Why are so many sensors offline?", CityCrew.AlarmInvestigator)]
    [InlineData("Welche Störungen gab es?", CityCrew.AlarmInvestigator)]
    [InlineData("Reduce the energy consumption of our schools", CityCrew.EnergyEngineer)]
    [InlineData("Wer verbraucht am meisten Strom?", CityCrew.EnergyEngineer)]
    public void A_goal_is_handed_to_the_specialist_of_its_words_then_to_the_reporter(string goal, string specialist)
    {
        var crew = CityCrew.For(SwarmPattern.Handoff);
        var heir = HandoffRouter.Next(goal, crew, [0]).ShouldNotBeNull();
        crew[heir].Name.ShouldBe(specialist);
        crew[HandoffRouter.Next(goal, crew, [0, heir]).ShouldNotBeNull()].Name.ShouldBe(CityCrew.Reporter);
        HandoffRouter.Next(goal, crew, [0, heir, 3]).ShouldBeNull();
    }
}
