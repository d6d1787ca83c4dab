namespace CityPulse.Bench;

/// <summary>A benchmark that cannot go on; the message says why.</summary>
internal sealed class BenchException(string message) : Exception(message);

/// <summary>The numbers that were promised, and whether they were met.</summary>
internal sealed class Goals
{
    private readonly List<(string Text, bool IsMet)> _goals = [];

    public void Add(string text, bool isMet) => _goals.Add((text, isMet));

    /// <returns>Whether all were met.</returns>
    public bool Report()
    {
        Console.WriteLine();
        foreach (var (text, isMet) in _goals)
        {
            Console.WriteLine($"  {(isMet ? "met   " : "MISSED")}  {text}");
        }

        return _goals.TrueForAll(g => g.IsMet);
    }
}
