using System.Text.RegularExpressions;

namespace CityPulse.Tests.Observability;

/// <summary>What services answer at <c>/metrics</c>: each metric with the names of its labels.</summary>
internal sealed partial class Scrape
{
    private readonly Dictionary<string, HashSet<string>> _labels = [];

    public static async Task<Scrape> ReadAsync(params IEnumerable<HttpClient> services)
    {
        var scrape = new Scrape();
        foreach (var service in services)
        {
            foreach (var line in (await service.GetStringAsync("/metrics")).Split('\n').Where(line => line.Length > 0 && line[0] != '#'))
            {
                var series = Series().Match(line);
                if (!scrape._labels.TryGetValue(series.Groups[1].Value, out var labels))
                {
                    scrape._labels[series.Groups[1].Value] = labels = [];
                }

                labels.UnionWith(Label().Matches(series.Groups[2].Value).Select(m => m.Groups[1].Value));
            }
        }

        return scrape;
    }

    public IReadOnlyDictionary<string, HashSet<string>> Labels => _labels;

    /// <summary>A metric, what the series of a histogram have in common, or a label.</summary>
    public bool Knows(string name) => _labels.ContainsKey(name) || _labels.ContainsKey($"{name}_bucket") || _labels.Values.Any(labels => labels.Contains(name));

    /// <summary>What a query asks for and does not find.</summary>
    public IEnumerable<string> MissingIn(PromQuery query)
    {
        string[] ofPrometheus = ["job", "instance"];
        foreach (var (metric, labels) in query.Selectors.Where(s => s.Metric != "up"))
        {
            if (!_labels.TryGetValue(metric, out var known))
            {
                yield return metric;
            }
            else
            {
                foreach (var label in labels.Except(ofPrometheus).Except(known))
                {
                    yield return $"{metric}{{{label}}}";
                }
            }
        }

        foreach (var label in query.Grouped.Except(ofPrometheus).Where(l => !query.Selectors.Any(s => _labels.GetValueOrDefault(s.Metric)?.Contains(l) == true)))
        {
            yield return $"by ({label})";
        }
    }

    [GeneratedRegex(@"^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})?\s")]
    private static partial Regex Series();

    [GeneratedRegex(@"([a-zA-Z_][a-zA-Z0-9_]*)=""(?:[^""\\]|\\.)*""")]
    private static partial Regex Label();
}
