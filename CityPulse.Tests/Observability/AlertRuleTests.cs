using System.Diagnostics;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Observability;

public sealed class AlertRuleTests
{
    [Fact]
    public void Each_alert_says_how_bad_it_is_and_has_a_page_of_its_own_that_repeats_its_query()
    {
        var rules = Delivered.ReadRules();
        rules.Select(r => r.Alert).ShouldBeUnique();
        rules.Select(r => r.Runbook).ShouldBeUnique();
        foreach (var rule in rules)
        {
            rule.Severity.ShouldBeOneOf("critical", "warning");
            var page = File.ReadAllText(Repository.PathTo(rule.Runbook.Split('/')));
            page.ShouldStartWith($"# {rule.Alert}\n");
            page.ShouldContain(rule.Expr, Case.Sensitive, rule.Alert);
            page.ShouldContain(rule.Summary);
            page.ShouldContain("**What to do**");
        }

        Directory.GetFiles(Repository.PathTo("docs", "runbooks")).Length.ShouldBe(rules.Count, "no page without its alert");
    }

    /// <summary>Where Debian's package <c>prometheus</c> is installed; elsewhere the rules are looked at by the other tests only.</summary>
    [Fact]
    public async Task The_rules_pass_their_unit_tests_and_one_with_another_threshold_does_not()
    {
        if (PromTool() is not { } tool)
        {
            TestContext.Current.SendDiagnosticMessage("promtool is not installed: apt-get install prometheus");
            return;
        }

        (await TestAsync(tool, rules => rules)).ShouldBe(0);
        (await TestAsync(tool, rules => rules.Replace("citypulse_outbox_lag_seconds) > 30", "citypulse_outbox_lag_seconds) > 3000", StringComparison.Ordinal))).ShouldNotBe(0);
        (await TestAsync(tool, rules => rules.Replace("citypulse_outbox_lag_seconds) > 30", "citypulse_outbox_lag_seconds) > 3", StringComparison.Ordinal))).ShouldNotBe(0);
    }

    [Theory]
    [InlineData("max(a) > 30", "a")]
    [InlineData("""sum by (job, le) (rate(a_bucket{x=~"b.*|c(d)", y!="up{e}"}[5m])) / sum(b{}) > 0.5""", "a_bucket{x,y} b by job,le")]
    [InlineData("""histogram_quantile(0.9, sum by (le) (rate(a[$__rate_interval]))) == 1 and absent(up{job="x"} == 1) or c > 1e3""", "a up{job} c by le")]
    public void A_query_is_known_by_its_metrics_labels_and_groups(string text, string expected)
    {
        var query = PromQuery.Parse(text);
        var said = string.Join(' ', query.Selectors.Select(s => s.Labels.Length == 0 ? s.Metric : $"{s.Metric}{{{string.Join(',', s.Labels)}}}"));
        (query.Grouped.Count == 0 ? said : $"{said} by {string.Join(',', query.Grouped)}").ShouldBe(expected);
    }

    private static async Task<int> TestAsync(string tool, Func<string, string> change)
    {
        var folder = Directory.CreateTempSubdirectory("citypulse-rules-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "alerts.yaml"), change(await File.ReadAllTextAsync(Delivered.Rules)));
            File.Copy(Path.Combine(Path.GetDirectoryName(Delivered.Rules)!, "alerts_test.yaml"), Path.Combine(folder.FullName, "alerts_test.yaml"));
            using var process = Process.Start(new ProcessStartInfo(tool, ["test", "rules", "alerts_test.yaml"])
            {
                WorkingDirectory = folder.FullName, RedirectStandardOutput = true, RedirectStandardError = true,
            })!;
            await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string? PromTool() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, "promtool")).FirstOrDefault(File.Exists);
}
