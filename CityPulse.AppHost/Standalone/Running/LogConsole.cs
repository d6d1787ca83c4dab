using System.Collections.Concurrent;

namespace CityPulse.AppHost.Standalone.Running;

/// <summary>The lines of all resources, each behind its name; coloured on a terminal, plain elsewhere.</summary>
internal sealed class LogConsole
{
    private const int Kept = 500;
    private static readonly string[] Colours = ["36", "33", "35", "32", "34", "96", "93", "95", "92", "94"];
    private readonly TextWriter? _output;
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, Queue<string>> _kept = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string> _colours = [];
    private int _width;

    public LogConsole(TextWriter? output, bool coloured)
    {
        _output = output;
        Coloured = coloured;
    }

    public bool Coloured { get; }

    public static LogConsole ForTerminal() => new(Console.Out, WantsColour());

    /// <summary>Shows nothing and keeps the last lines, for a test that wants to know why.</summary>
    public static LogConsole Quiet() => new(null, coloured: false);

    /// <summary>Names that will come, so that all prefixes get one width.</summary>
    public void Announce(IEnumerable<string> sources)
    {
        foreach (var source in sources)
        {
            _width = Math.Max(_width, source.Length);
        }
    }

    public void Write(string source, string line)
    {
        var kept = _kept.GetOrAdd(source, _ => new Queue<string>());
        lock (_lock)
        {
            kept.Enqueue(line);
            if (kept.Count > Kept)
            {
                kept.Dequeue();
            }

            _output?.WriteLine($"{Prefix(source)} {line}");
        }
    }

    /// <summary>Says something of the engine's own, without a prefix.</summary>
    public void WriteBlock(string text)
    {
        lock (_lock)
        {
            _output?.WriteLine(text);
        }
    }

    public IReadOnlyList<string> Last(string source, int count = Kept)
    {
        if (!_kept.TryGetValue(source, out var lines))
        {
            return [];
        }

        lock (_lock)
        {
            return [.. lines.TakeLast(count)];
        }
    }

    public string Bold(string text) => Coloured ? $"\e[1m{text}\e[0m" : text;

    private string Prefix(string source)
    {
        var name = source.PadRight(_width);
        if (!Coloured)
        {
            return $"{name} |";
        }

        if (!_colours.TryGetValue(source, out var colour))
        {
            _colours[source] = colour = Colours[_colours.Count % Colours.Length];
        }

        return $"\e[{colour}m{name} |\e[0m";
    }

    private static bool WantsColour() =>
        !Console.IsOutputRedirected
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") != "dumb";
}
