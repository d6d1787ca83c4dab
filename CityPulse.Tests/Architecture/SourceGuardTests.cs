using System.Reflection;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Architecture;

/// <summary>Rules of the house that a compiler does not know.</summary>
public sealed class SourceGuardTests
{
    private static readonly string[] Projects = ["CityPulse.ServiceDefaults", "CityPulse.Api", "CityPulse.Realtime", "CityPulse.AiGateway"];

    private static readonly Assembly[] Assemblies =
        [typeof(AccessTable).Assembly, typeof(CityPulse.Api.Data.CityDb).Assembly, Assembly.Load("CityPulse.Realtime"), Assembly.Load("CityPulse.AiGateway")];

    /// <summary>Decisions are values in and values out: no I/O, no framework, nothing that a test would have to stand in for.</summary>
    [Fact]
    public void Domain_folders_use_the_base_library_only()
    {
        string[] allowed =
        [
            "System", "System.Buffers", "System.Buffers.Binary", "System.Collections", "System.Diagnostics", "System.Diagnostics.CodeAnalysis",
            "System.Globalization", "System.Net.IPAddress", "System.Net.IPNetwork", "System.Net.Mail", "System.Numerics", "System.Runtime", "System.Security.Cryptography", "System.Text",
        ];
        var wrong = Sources().Where(file => file.Contains($"{Path.DirectorySeparatorChar}Domain{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .SelectMany(file => File.ReadLines(file)
                .Where(line => line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';') && !line.Contains('<'))
                .Select(line => line["using ".Length..^1].Replace("static ", "", StringComparison.Ordinal).Split('=')[^1].Trim())
                .Where(name => !name.StartsWith("CityPulse.", StringComparison.Ordinal)
                    && !allowed.Any(prefix => name == prefix || (prefix != "System" && name.StartsWith(prefix + '.', StringComparison.Ordinal))))
                .Select(name => $"{Path.GetFileName(file)}: {name}"));
        wrong.ShouldBeEmpty();
    }

    [Fact]
    public void Nobody_asks_the_wall_clock()
    {
        string[] forbidden = ["DateTime.Now", "DateTime.UtcNow", "DateTimeOffset.Now", "DateTimeOffset.UtcNow", "Thread.Sleep("];
        Sources().SelectMany(file => File.ReadLines(file)
                .Where(line => forbidden.Any(word => line.Contains(word, StringComparison.Ordinal)))
                .Select(line => $"{Path.GetFileName(file)}: {line.Trim()}"))
            .ShouldBeEmpty();
    }

    /// <summary>The validation of bodies passes over internal types without a word.</summary>
    [Fact]
    public void Request_bodies_are_public_records()
    {
        var requests = Assemblies.SelectMany(a => a.GetTypes()).Where(t => t.Name.EndsWith("Request", StringComparison.Ordinal) && !t.IsInterface && !t.IsNested).ToList();
        requests.Where(t => !t.IsPublic).Select(t => t.FullName).ShouldBeEmpty();
        requests.Where(t => t.IsClass && t.GetMethod("<Clone>$") is null).Select(t => t.FullName).ShouldBeEmpty();
    }

    private static IEnumerable<string> Sources() => Projects
        .SelectMany(project => Directory.EnumerateFiles(Repository.PathTo(project), "*.cs", SearchOption.AllDirectories))
        .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
            && !file.Contains($"{Path.DirectorySeparatorChar}Migrations{Path.DirectorySeparatorChar}", StringComparison.Ordinal));
}
