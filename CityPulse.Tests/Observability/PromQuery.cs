using System.Text.RegularExpressions;

namespace CityPulse.Tests.Observability;

/// <summary>What a query of Prometheus asks for: enough of its language for what this repository delivers.</summary>
internal sealed partial record PromQuery(IReadOnlyList<(string Metric, string[] Labels)> Selectors, IReadOnlyList<string> Grouped)
{
    private static readonly HashSet<string> Words = ["and", "or", "unless", "on", "ignoring", "bool", "by", "without", "offset", "group_left", "group_right", "inf", "nan"];

    public static PromQuery Parse(string text)
    {
        var grouped = Grouping().Matches(text).SelectMany(m => Names().Matches(m.Groups[1].Value)).Select(m => m.Value).Distinct().ToList();
        var rest = Grouping().Replace(Range().Replace(text, ""), "");
        var selectors = Selector().Matches(rest)
            .Where(m => !Words.Contains(m.Groups["name"].Value.ToLowerInvariant()))
            .Select(m => (m.Groups["name"].Value, Label().Matches(m.Groups["labels"].Value).Select(l => l.Groups[1].Value).ToArray()))
            .ToList();
        return new PromQuery(selectors, grouped);
    }

    [GeneratedRegex(@"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")]
    private static partial Regex Grouping();

    [GeneratedRegex(@"\[[^\]]*\]")]
    private static partial Regex Range();

    [GeneratedRegex("[a-zA-Z_][a-zA-Z0-9_]*")]
    private static partial Regex Names();

    /// <summary>A name that is no function, with its matchers; what stands in quotes is no name.</summary>
    [GeneratedRegex("""(?<![\w"])(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?![\w(]|\s*\()(?<labels>\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?""")]
    private static partial Regex Selector();

    [GeneratedRegex(@"([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)\s*""(?:[^""\\]|\\.)*""")]
    private static partial Regex Label();
}
