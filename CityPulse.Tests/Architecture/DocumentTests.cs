using System.Text.RegularExpressions;
using CityPulse.Bench;
using CityPulse.Bench.Drills;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Architecture;

/// <summary>What the documents point to is there: files, headings, commands.</summary>
public sealed partial class DocumentTests
{
    /// <summary>Made by the commands that the documents tell of, and ignored by git.</summary>
    private static readonly string[] Made = ["deploy/base", "/secrets.env", "docs/examples/node_modules"];

    private static readonly string Script = File.ReadAllText(Repository.PathTo("citypulse"));

    [Fact]
    public void Every_link_leads_to_a_file_and_a_heading() =>
        Markdown.All.SelectMany(document => BrokenLinks(document).Select(link => $"{document.Path}: {link}")).ShouldBeEmpty();

    [Fact]
    public void Every_command_of_the_script_is_one_that_it_knows() =>
        Markdown.All.SelectMany(document => UnknownCommands(document).Select(command => $"{document.Path}: {command}")).ShouldBeEmpty();

    [Fact]
    public void Every_path_that_is_set_as_code_is_there() =>
        Markdown.All.SelectMany(document => MissingPaths(document).Select(path => $"{document.Path}: {path}")).ShouldBeEmpty();

    [Theory]
    [InlineData("[a](nowhere.md)", "nowhere.md")]
    [InlineData("[a](limits.md#switch)", "limits.md#switch")]
    [InlineData("[a](#of-itself)\n# Itself", "#of-itself")]
    public void A_broken_link_is_found(string text, string link) => BrokenLinks(new Markdown("docs/x.md", text)).ShouldBe([link]);

    [Fact]
    public void A_good_link_is_none() =>
        BrokenLinks(new Markdown("docs/x.md", "# It's: *one*\n[a](#its-one) [b](../README.md#two-commands) [c](https://example.com/none) `[d](code)` [e](adr/)")).ShouldBeEmpty();

    [Theory]
    [InlineData("`./citypulse down`", "down")]
    [InlineData("```bash\n./citypulse bench ingest speed --check\n```", "bench speed")]
    [InlineData("`./citypulse drill kill flood`", "drill flood")]
    [InlineData("`./citypulse up --fast`", "up --fast")]
    public void An_unknown_command_is_found(string text, string command) => UnknownCommands(new Markdown("docs/x.md", text)).ShouldBe([command]);

    [Theory]
    [InlineData("`deploy/compose/docker.yaml`", "deploy/compose/docker.yaml")]
    [InlineData("`deploy/overlays/{staging,test}/`", "deploy/overlays/{staging,test}/")]
    [InlineData("```bash\ndotnet run docs/examples/look.cs buildings\n```", "docs/examples/look.cs")]
    [InlineData("`deploy/grafana/*.yaml`", "deploy/grafana/*.yaml")]
    public void A_missing_path_is_found(string text, string path) => MissingPaths(new Markdown("docs/x.md", text)).ShouldBe([path]);

    [Fact]
    public void Code_of_the_guide_for_contributors_compiles_inside_the_services() => CSharpSnippet.ShouldCompileInside(
        string.Concat(Markdown.Of("CONTRIBUTING.md").Blocks("csharp")),
        "CityPulse.Api.Data", "CityPulse.Api.Events", "CityPulse.Api.Http", "CityPulse.Contracts", "CityPulse.ServiceDefaults.Errors", "CityPulse.ServiceDefaults.Security",
        "Microsoft.AspNetCore.Builder", "Microsoft.AspNetCore.Http", "Microsoft.AspNetCore.Http.HttpResults", "Microsoft.AspNetCore.Routing", "Microsoft.EntityFrameworkCore",
        "Microsoft.EntityFrameworkCore.Infrastructure", "Microsoft.EntityFrameworkCore.Migrations");

    private static IEnumerable<string> BrokenLinks(Markdown document)
    {
        foreach (var link in document.Links().Where(l => !l.Contains("://", StringComparison.Ordinal)))
        {
            var (path, heading) = link.Split('#') is [var file, var anchor] ? (file, anchor) : (link, null);
            var target = path.Length == 0 ? document.Path : Path.Combine(Path.GetDirectoryName(document.Path)!, path);
            var full = Repository.PathTo(target);
            if (path.Length > 0 && !File.Exists(full) && !Directory.Exists(full))
            {
                yield return link;
            }
            else if (heading is not null && !(path.Length == 0 ? document : Markdown.Of(target)).Anchors().Contains(heading))
            {
                yield return link;
            }
        }
    }

    private static IEnumerable<string> UnknownCommands(Markdown document)
    {
        foreach (var words in document.Code().SelectMany(line => Command().Matches(line)).Select(call => call.Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
        {
            // An alternative of several is told by their names with bars between them.
            foreach (var command in words[0].Split('|').Where(name => !Known().Contains(name)))
            {
                yield return command;
            }

            var names = words[0] switch
            {
                "bench" => Named(words).Where(name => BenchOptions.TryParse([name], out _) is not null),
                "drill" => Named(words).Except(DrillProgram.Names),
                _ => [],
            };
            var options = words.Skip(1).Where(word => word.StartsWith("--", StringComparison.Ordinal))
                .Where(option => !Script.Contains(option, StringComparison.Ordinal) && !BenchOptions.Usage.Contains(option, StringComparison.Ordinal) && !BackupOptions.Contains(option));
            foreach (var name in names.Concat(options))
            {
                yield return $"{words[0]} {name}";
            }
        }
    }

    /// <summary>Those of the programs that the script hands them on to.</summary>
    private static readonly string[] BackupOptions = ["--keep", "--force"];

    private static IEnumerable<string> Named(string[] words) => words.Skip(1).TakeWhile(word => PlainWord().IsMatch(word));

    private static HashSet<string> Known() => [.. Cases().Matches(Script).SelectMany(c => c.Groups[1].Value.Split('|', StringSplitOptions.TrimEntries))];

    private static IEnumerable<string> MissingPaths(Markdown document) => document.Code()
        .SelectMany(line => RepositoryPath().Matches(line)).Select(path => path.Value.TrimEnd('.', ',', ':'))
        .Where(path => !Made.Any(made => path.Contains(made, StringComparison.Ordinal)) && !Alternatives(path).All(IsThere));

    private static IEnumerable<string> Alternatives(string path) => Braces().Match(path) is { Success: true } braces
        ? braces.Groups[1].Value.Split(',').SelectMany(part => Alternatives(path.Replace(braces.Value, part, StringComparison.Ordinal)))
        : [path];

    private static bool IsThere(string path) => path.Contains('*', StringComparison.Ordinal)
        ? Directory.EnumerateFiles(Repository.PathTo(Path.GetDirectoryName(path)!), Path.GetFileName(path)).Any()
        : Path.Exists(Repository.PathTo(path));

    [GeneratedRegex(@"\./citypulse ([^#`\n]*[^#`\s])")]
    private static partial Regex Command();

    [GeneratedRegex(@"^  ([a-z][a-z |-]*)\) (?:cmd_|usage)", RegexOptions.Multiline)]
    private static partial Regex Cases();

    [GeneratedRegex("^[a-z]+$")]
    private static partial Regex PlainWord();

    [GeneratedRegex(@"(?<![\w/.-])(?:CityPulse\.\w+|deploy|docs|samples)/[\w./{},*-]*")]
    private static partial Regex RepositoryPath();

    [GeneratedRegex(@"\{([^{}]*)\}")]
    private static partial Regex Braces();
}
