using CityPulse.AppHost.Standalone.Running;
using Shouldly;

namespace CityPulse.Tests.AppHost.Engine;

public sealed class LogConsoleTests
{
    [Fact]
    public void Every_line_stands_behind_the_name_of_its_resource_in_one_column()
    {
        var output = new StringWriter { NewLine = "\n" };
        var console = new LogConsole(output, coloured: false);
        console.Announce(["api", "aigateway"]);

        console.Write("api", "one");
        console.Write("aigateway", "two");

        output.ToString().ShouldBe("api       | one\naigateway | two\n");
    }

    [Fact]
    public void On_a_terminal_each_name_has_a_colour_of_its_own_and_keeps_it()
    {
        var output = new StringWriter { NewLine = "\n" };
        var console = new LogConsole(output, coloured: true);

        console.Write("a", "1");
        console.Write("b", "2");
        console.Write("a", "3");

        output.ToString().ShouldBe("\e[36ma |\e[0m 1\n\e[33mb |\e[0m 2\n\e[36ma |\e[0m 3\n");
    }

    [Fact]
    public void The_last_lines_are_kept_for_questions()
    {
        var console = LogConsole.Quiet();
        for (var i = 0; i < 1000; i++)
        {
            console.Write("api", $"{i}");
        }

        console.Last("api").Count.ShouldBe(500);
        console.Last("api", 2).ShouldBe(["998", "999"]);
        console.Last("unknown").ShouldBeEmpty();
    }
}
