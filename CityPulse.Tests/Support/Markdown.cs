using System.Text.RegularExpressions;

namespace CityPulse.Tests.Support;

/// <summary>A document of the repository, as far as tests look into it.</summary>
internal sealed partial class Markdown(string path, string text)
{
    public string Path => path;

    /// <summary>All of them, the ones of the root included.</summary>
    public static IReadOnlyList<Markdown> All { get; } =
    [
        .. Directory.EnumerateFiles(Repository.Root, "*.md")
            .Concat(((string[])["docs", "samples"]).SelectMany(folder => Directory.EnumerateFiles(Repository.PathTo(folder), "*.md", SearchOption.AllDirectories)))
            .Where(file => !file.Contains("node_modules", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(file => Of(System.IO.Path.GetRelativePath(Repository.Root, file))),
    ];

    public static Markdown Of(string path) => new(path, File.ReadAllText(Repository.PathTo(path)));

    /// <summary>The fenced blocks of a language.</summary>
    public IReadOnlyList<string> Blocks(string language) =>
        [.. Fences().Matches(text).Where(block => block.Groups[1].Value == language).Select(block => block.Groups[2].Value)];

    /// <summary>Targets of links, outside of code.</summary>
    public IReadOnlyList<string> Links() => [.. Link().Matches(InlineCode().Replace(Fences().Replace(text, ""), "")).Select(link => link.Groups[1].Value)];

    /// <summary>The names by which headings are linked to.</summary>
    public IReadOnlySet<string> Anchors() => Heading().Matches(Fences().Replace(text, ""))
        .Select(heading => NoLetter().Replace(heading.Groups[1].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-')).ToHashSet();

    /// <summary>What is set as code, line by line.</summary>
    public IEnumerable<string> Code() => Fences().Matches(text).SelectMany(block => block.Groups[2].Value.Split('\n'))
        .Concat(InlineCode().Matches(Fences().Replace(text, "")).Select(code => code.Groups[1].Value.ReplaceLineEndings(" ")));

    [GeneratedRegex("^```(\\w*)\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fences();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"\]\(([^()\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NoLetter();
}
