using CityPulse.Contracts;
using CityPulse.Realtime.Feed.Domain;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed.Domain;

public sealed class TopicTests
{
    private const string Id = "0198c0de-0000-7000-8000-000000000001";

    [Theory]
    [InlineData("readings")]
    [InlineData("alerts")]
    [InlineData("buildings")]
    [InlineData("energy")]
    [InlineData("presence")]
    [InlineData($"buildings/{Id}/readings")]
    [InlineData($"buildings/{Id}/alerts")]
    [InlineData($"sensors/{Id}/readings")]
    [InlineData($"swarm/{Id}")]
    public void A_topic_is_written_as_it_was_read(string text)
    {
        Topic.TryParse(text, out var topic).ShouldBeTrue();
        topic.ToString().ShouldBe(text);
    }

    [Fact]
    public void Ids_are_taken_in_any_letter_case()
    {
        Topic.TryParse($"sensors/{Id.ToUpperInvariant()}/readings", out var topic).ShouldBeTrue();
        topic.ShouldBe(new Topic(TopicKind.SensorReadings, Guid.Parse(Id)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Readings")]
    [InlineData("readings ")]
    [InlineData("readings/")]
    [InlineData("sensors")]
    [InlineData("sensors/*/readings")]
    [InlineData($"sensors/{Id}")]
    [InlineData($"sensors/{Id}/alerts")]
    [InlineData($"sensors/{{{Id}}}/readings")]
    [InlineData("sensors/0198c0de000070008000000000000001/readings")]
    [InlineData($"buildings/{Id}/readings/more")]
    [InlineData($"organizations/{Id}")]
    public void Anything_else_is_no_topic(string? text) => Topic.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void Runs_of_the_swarm_take_a_right_of_their_own() =>
        new Topic(TopicKind.SwarmRun, Guid.Parse(Id)).Permission.ShouldBe(Permission.ReadSwarm);
}
