using System.Reflection;
using System.Text.RegularExpressions;
using CityPulse.Api.Data;
using Shouldly;

namespace CityPulse.Tests.Api.Data;

public sealed partial class AdvisoryLockKeysTests
{
    [Fact]
    public void No_two_kinds_of_work_share_a_lock()
    {
        var keys = typeof(AdvisoryLockKeys).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (long)f.GetRawConstantValue()!).ToList();
        keys.Count.ShouldBeGreaterThanOrEqualTo(8);
        keys.ShouldBeUnique();
        keys.ShouldAllBe(key => key < 0x4350_0100, "the gateway's locks in the same database begin there");
    }

    [Fact]
    public void No_lock_of_the_city_is_numbered_elsewhere()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "CityPulse.sln")))
        {
            root = root.Parent!;
        }

        Directory.EnumerateFiles(Path.Combine(root.FullName, "CityPulse.Api"), "*.cs", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(file) != "AdvisoryLockKeys.cs" && Numbered().IsMatch(File.ReadAllText(file)))
            .Select(Path.GetFileName).ShouldBeEmpty();
    }

    [GeneratedRegex("0x4350_", RegexOptions.IgnoreCase)]
    private static partial Regex Numbered();
}
