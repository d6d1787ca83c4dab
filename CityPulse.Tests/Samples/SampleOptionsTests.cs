using CityPulse.Samples;
using CityPulse.Samples.Loading;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace CityPulse.Tests.Samples;

public sealed class SampleOptionsTests
{
    private readonly Dictionary<string, string> _environment = new()
    {
        ["services__api__http__0"] = "http://localhost:8001",
        ["Demo__Password"] = "a-password",
    };

    [Fact]
    public void The_manager_loads_and_the_replay_is_on_by_default() =>
        Read().ShouldBe(new SampleOptions(new Uri("http://localhost:8001"), "manager@demo.citypulse.local", "a-password", Replay: true));

    [Fact]
    public void A_flag_or_a_setting_turns_the_replay_off()
    {
        Read("--no-replay").Replay.ShouldBeFalse();
        _environment["Samples__Replay"] = "false";
        Read().Replay.ShouldBeFalse();
    }

    [Theory]
    [InlineData("services__api__http__0", null)]
    [InlineData("services__api__http__0", "localhost")]
    [InlineData("Demo__Password", null)]
    [InlineData("Samples__Replay", "maybe")]
    public void A_bad_setting_is_named(string name, string? value)
    {
        _environment.Remove(name);
        if (value is not null)
        {
            _environment[name] = value;
        }

        Should.Throw<SampleException>(() => Read()).Message.ShouldContain(name);
    }

    [Fact]
    public void An_unknown_argument_is_refused() =>
        Should.Throw<SampleException>(() => Read("--no-reply")).Message.ShouldContain("--no-reply");

    [Fact]
    public void Progress_is_one_line_a_tenth_where_lines_are_kept()
    {
        var output = new StringWriter();
        var progress = new ProgressReport(output, terminal: false, total: 1000, new FakeTimeProvider());

        for (var i = 0; i < 100; i++)
        {
            progress.Add(10);
        }

        var lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(10);
        lines[^1].ShouldContain("100 %  1,000 of 1,000 readings");
    }

    [Fact]
    public void Progress_is_one_growing_line_on_a_terminal()
    {
        var output = new StringWriter();
        var progress = new ProgressReport(output, terminal: true, total: 20, new FakeTimeProvider());

        progress.Add(10);
        progress.Add(10);

        output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(1);
        output.ToString().Count(c => c == '\r').ShouldBe(2);
    }

    private SampleOptions Read(params string[] arguments) => SampleOptions.Read(arguments, name => _environment.GetValueOrDefault(name));
}
