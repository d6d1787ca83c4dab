using System.Reflection;
using System.Text.RegularExpressions;
using Shouldly;

namespace CityPulse.Tests.Architecture;

/// <summary>What <c>docs/security.md</c> claims is proven by tests that exist.</summary>
public sealed partial class SecurityDocumentTests
{
    [Fact]
    public void Every_test_that_is_named_exists()
    {
        var named = TestName().Matches(Document()).Select(m => m.Value.Trim('`')).Distinct().ToList();
        named.Count.ShouldBeGreaterThan(40);
        var tests = typeof(SecurityDocumentTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance)
                .Where(m => m.GetCustomAttributes().Any(a => a is FactAttribute))
                .Select(m => $"{type.Name}.{m.Name}"))
            .ToHashSet();
        named.Where(name => !tests.Contains(name)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_risk_of_the_list_has_a_proof()
    {
        var sections = Document().Split("\n### API").Skip(1).ToList();
        sections.Select(s => int.Parse(s.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)).ShouldBe(Enumerable.Range(1, 10));
        sections.ShouldAllBe(s => TestName().IsMatch(s));
    }

    private static string Document()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "CityPulse.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests run outside the repository.");
        }

        return File.ReadAllText(Path.Combine(folder.FullName, "docs", "security.md"));
    }

    [GeneratedRegex(@"`\w+Tests\.\w+`")]
    private static partial Regex TestName();
}
