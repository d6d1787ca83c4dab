using System.Text.Json;
using System.Text.RegularExpressions;
using CityPulse.Tests.Support;
using YamlDotNet.RepresentationModel;

namespace CityPulse.Tests.Observability;

internal sealed record Rule(string Alert, string Expr, string Severity, string Summary, string Runbook);

/// <summary>What the repository delivers for operators: rules, dashboards, pages.</summary>
internal static partial class Delivered
{
    public static string Rules { get; } = Repository.PathTo("deploy", "prometheus", "alerts.yaml");

    public static IReadOnlyList<Rule> ReadRules()
    {
        using var text = File.OpenText(Rules);
        var file = new YamlStream();
        file.Load(text);
        return [.. ((YamlSequenceNode)file.Documents[0].RootNode["groups"]).SelectMany(g => (YamlSequenceNode)g["rules"]).Select(r => new Rule(
            Text(r["alert"]), Text(r["expr"]), Text(r["labels"]["severity"]), Text(r["annotations"]["summary"]), Text(r["annotations"]["runbook_url"])))];

        static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;
    }

    /// <summary>Every query, with where it stands.</summary>
    public static IEnumerable<(string Where, string Query)> Queries() =>
        ReadRules().Select(r => (r.Alert, r.Expr)).Concat(Dashboards());

    /// <summary>Every word of the operators' pages that is the name of a metric by its first part.</summary>
    public static IEnumerable<(string Where, string Metric)> Mentions() =>
        Directory.GetFiles(Repository.PathTo("docs", "runbooks"), "*.md").Append(Repository.PathTo("docs", "observability.md"))
            .SelectMany(file => Metric().Matches(File.ReadAllText(file)).Select(m => (Path.GetFileName(file), m.Value)).Distinct());

    private static IEnumerable<(string Where, string Query)> Dashboards()
    {
        foreach (var file in Directory.GetFiles(Repository.PathTo("deploy", "grafana"), "*.json"))
        {
            using var dashboard = JsonDocument.Parse(File.ReadAllText(file));
            foreach (var panel in dashboard.RootElement.GetProperty("panels").EnumerateArray())
            {
                foreach (var target in panel.GetProperty("targets").EnumerateArray())
                {
                    yield return ($"{Path.GetFileName(file)}: {panel.GetProperty("title").GetString()}", target.GetProperty("expr").GetString()!);
                }
            }
        }
    }

    [GeneratedRegex(@"(?<![\w/])(?:citypulse|http_server|db_client|dotnet|kestrel)_[a-z0-9_A-Z]+[a-zA-Z0-9]")]
    private static partial Regex Metric();
}
