using System.Text.RegularExpressions;

namespace CityPulse.Deploy;

/// <summary>It cannot be done; the message says what to do about it.</summary>
internal sealed class DeployException(string message) : Exception(message);

/// <summary>What was asked for on the command line.</summary>
internal abstract partial record DeployOptions
{
    private const string Usage =
        "Usage: manifests --manifest FILE --source DIR [--output DIR] [--registry NAME] [--tag TAG] | secrets FILE";

    public static DeployOptions Parse(string[] args) => args switch
    {
        ["secrets", var file] when !file.StartsWith('-') => new SecretOptions(Path.GetFullPath(file)),
        ["manifests", .. var rest] => Manifests(rest),
        _ => throw new DeployException(Usage),
    };

    private static ManifestOptions Manifests(string[] args)
    {
        string? manifest = null, source = null, output = null, registry = null, tag = null;
        for (var i = 0; i < args.Length; i += 2)
        {
            var value = i + 1 < args.Length ? args[i + 1] : throw new DeployException($"{args[i]} needs a value. {Usage}");
            switch (args[i])
            {
                case "--manifest":
                    manifest = Path.GetFullPath(value);
                    break;
                case "--source":
                    source = Path.GetFullPath(value);
                    break;
                case "--output":
                    output = Path.GetFullPath(value);
                    break;
                case "--registry" when RegistryName().IsMatch(value):
                    registry = value;
                    break;
                case "--registry":
                    throw new DeployException($"--registry takes a registry and perhaps a path, such as ghcr.io/acme, but is '{value}'.");
                case "--tag" when TagName().IsMatch(value) && value != "latest":
                    tag = value;
                    break;
                case "--tag":
                    throw new DeployException($"--tag takes the tag of one build, such as 1.4.0, but is '{value}'.");
                default:
                    throw new DeployException($"'{args[i]}' is not understood here. {Usage}");
            }
        }

        return manifest is null || source is null
            ? throw new DeployException(Usage)
            : new ManifestOptions(manifest, source, output ?? source, registry, tag);
    }

    [GeneratedRegex(@"^[a-z0-9]+([._:/-][a-z0-9]+)*$")]
    private static partial Regex RegistryName();

    [GeneratedRegex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]
    private static partial Regex TagName();
}

/// <param name="Manifest">What the AppHost wrote.</param>
/// <param name="Source">The folder <c>deploy</c>, with templates, components and overlays.</param>
/// <param name="Output">Where the tree goes.</param>
/// <param name="Registry">Of the services' images; else the one in <c>aspirate.json</c>.</param>
/// <param name="Tag">Of the services' images; else the version of this build.</param>
internal sealed record ManifestOptions(string Manifest, string Source, string Output, string? Registry, string? Tag) : DeployOptions;

internal sealed record SecretOptions(string File) : DeployOptions;
