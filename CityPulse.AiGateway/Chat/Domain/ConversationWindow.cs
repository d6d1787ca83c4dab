namespace CityPulse.AiGateway.Chat.Domain;

/// <summary>A message as far as a window is concerned.</summary>
internal readonly record struct Spoken(bool IsQuestion, string Text);

/// <summary>What of a conversation a model is shown word by word, and what is summed up for it.</summary>
internal static class ConversationWindow
{
    public const int LongestSummary = 4000;

    private const int LongestQuestion = 200;
    private const int LongestAnswer = 300;

    /// <summary>
    /// How many of the oldest messages are to be summed up: none while all fit, else so many that the rest fills half of the window, so
    /// that not every turn needs a new summary. What is left begins with a question: providers refuse talk that begins with an answer.
    /// </summary>
    public static int Excess(IReadOnlyList<Spoken> messages, int mostMessages, int mostCharacters)
    {
        var first = FirstThatFits(messages, mostMessages, mostCharacters);
        if (first == 0)
        {
            return 0;
        }

        first = FirstThatFits(messages, mostMessages / 2, mostCharacters / 2);
        while (first < messages.Count && !messages[first].IsQuestion)
        {
            first++;
        }

        return first;
    }

    /// <summary>A summary without a model: what was asked and the beginning of what was answered; the oldest goes first where there is too much.</summary>
    public static string Plain(string? earlier, IEnumerable<Spoken> messages)
    {
        var lines = (earlier ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries).ToList();
        lines.AddRange(messages.Select(m => m.IsQuestion ? $"- Asked: {Cut(m.Text, LongestQuestion)}" : $"  Answered: {Cut(m.Text, LongestAnswer)}"));
        while (lines.Count > 1 && lines.Sum(l => l.Length + 1) > LongestSummary)
        {
            lines.RemoveAt(0);
        }

        return Cut(string.Join('\n', lines), LongestSummary, keepLines: true);
    }

    /// <summary>A text of at most so many characters, on one line unless its lines are kept.</summary>
    public static string Cut(string text, int longest, bool keepLines = false)
    {
        var line = keepLines ? text.Trim() : text.Trim().ReplaceLineEndings(" ");
        return line.Length <= longest ? line : line[..(char.IsHighSurrogate(line[longest - 2]) ? longest - 2 : longest - 1)] + "…";
    }

    private static int FirstThatFits(IReadOnlyList<Spoken> messages, int mostMessages, int mostCharacters)
    {
        var first = messages.Count;
        while (first > 0 && messages.Count - first < mostMessages && (mostCharacters -= messages[first - 1].Text.Length) >= 0)
        {
            first--;
        }

        return first;
    }
}
