using CityPulse.AiGateway.Chat.Domain;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Chat.Domain;

public sealed class ConversationWindowTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(6, 0)]
    [InlineData(8, 6)]
    [InlineData(20, 18)]
    public void When_messages_are_too_many_half_of_the_window_is_left(int messages, int excess) =>
        ConversationWindow.Excess(Talk(messages, length: 1), mostMessages: 6, mostCharacters: 1000).ShouldBe(excess);

    [Theory]
    [InlineData(100, 0)]
    [InlineData(101, 4)]
    [InlineData(1000, 4)]
    public void When_they_are_too_long_too(int length, int excess) =>
        ConversationWindow.Excess(Talk(4, length), mostMessages: 20, mostCharacters: 400).ShouldBe(excess);

    [Fact]
    public void A_plain_summary_has_what_was_asked_and_how_the_answers_begin()
    {
        var summary = ConversationWindow.Plain("- Asked: first", [new Spoken(true, "How\nmuch?"), new Spoken(false, new string('x', 1000))]);
        summary.ShouldBe($"- Asked: first\n- Asked: How much?\n  Answered: {new string('x', 299)}…");
    }

    [Fact]
    public void A_plain_summary_loses_the_oldest_first()
    {
        var summary = ConversationWindow.Plain(null, Enumerable.Range(0, 100).Select(i => new Spoken(true, $"Question {i} {new string('x', 100)}")));
        summary.Length.ShouldBeLessThanOrEqualTo(ConversationWindow.LongestSummary);
        summary.ShouldNotContain("Question 0 ");
        summary.ShouldContain("Question 99 ");
    }

    private static List<Spoken> Talk(int messages, int length) => [.. Enumerable.Range(0, messages).Select(i => new Spoken(i % 2 == 0, new string('x', length)))];
}
