using System.Reflection;
using System.Text.Json;

namespace CityPulse.Deploy;

/// <summary>The tree for <c>kubectl apply -k</c>: the rendered base, and the components and overlays that are written by hand.</summary>
internal static class ManifestTree
{
    private const string Base = "base";

    private static readonly string[] WrittenByHand = ["components", "overlays"];

    public static void Write(ManifestOptions options, TextWriter log)
    {
        if (!File.Exists(options.Manifest))
        {
            throw new DeployException($"There is no Aspire manifest {options.Manifest}.");
        }

        var manifest = AspireManifest.Parse(File.ReadAllText(options.Manifest));
        var images = Images(options);
        var files = new TemplateRenderer(Path.Combine(options.Source, "aspirate")).Render(manifest.Deployments(images));
        var folder = Path.Combine(options.Output, Base);
        MakeRoom(folder);

        foreach (var (path, text) in files)
        {
            var file = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
        }

        log.WriteLine($"Wrote {files.Count} files of {manifest.Deployments(images).Count()} resources to {folder}");
        log.WriteLine($"Images: {string.Join(", ", manifest.Deployments(images).Select(d => d.ContainerImage))}");
        if (options.Output != options.Source)
        {
            CopyOverlays(options);
            log.WriteLine($"Copied {string.Join(" and ", WrittenByHand)} to {options.Output}");
        }

        log.WriteLine($"Secrets that an overlay's secrets.env must have: {string.Join(", ", manifest.Secrets)}");
    }

    /// <summary>What an earlier version of the manifest had must not stay, but nothing of anybody else's may go.</summary>
    private static void MakeRoom(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return;
        }

        if (!File.Exists(Path.Combine(folder, "kustomization.yaml")))
        {
            throw new DeployException($"{folder} is there and was not written by this command. Choose another --output, or delete it.");
        }

        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Name and tag of a service's image, the same that <c>./citypulse images</c> builds.</summary>
    private static Func<string, string> Images(ManifestOptions options)
    {
        var registry = options.Registry ?? Registry(Path.Combine(options.Source, "..", "CityPulse.AppHost", "aspirate.json"));
        var tag = options.Tag ?? typeof(ManifestTree).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
        return name => $"{registry}/citypulse/{name}:{tag}";
    }

    private static string Registry(string settings)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(settings));
        return json.RootElement.GetProperty("ContainerSettings").GetProperty("Registry").GetString()!;
    }

    private static void CopyOverlays(ManifestOptions options)
    {
        foreach (var part in WrittenByHand)
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(options.Source, part), "*", SearchOption.AllDirectories))
            {
                // Secrets stay where they are.
                if (Path.GetFileName(file) != SecretsFile.Name)
                {
                    var target = Path.Combine(options.Output, Path.GetRelativePath(options.Source, file));
                    Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                    File.Copy(file, target, overwrite: true);
                }
            }
        }
    }
}
