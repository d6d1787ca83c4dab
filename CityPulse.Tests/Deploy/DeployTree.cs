using System.Diagnostics;
using CityPulse.Deploy;
using k8s.Models;

namespace CityPulse.Tests.Deploy;

/// <summary>
/// The tree that <c>./citypulse manifests --output DIR</c> writes, from the reviewed manifest (which <c>ManifestTests</c> holds against
/// the AppHost), with secrets in the overlays; written and built once for all tests.
/// </summary>
public sealed class DeployTree : IDisposable
{
    public const string Kubectl = "kubectl is not installed";

    private readonly Lazy<string> _production;
    private readonly Lazy<string> _staging;
    private readonly Lazy<string> _managed;

    public DeployTree()
    {
        var options = new ManifestOptions(
            Path.Combine(Repository, "CityPulse.Tests", "AppHost", "Engine", "manifest.json"), Path.Combine(Repository, "deploy"), Folder, "ghcr.io/acme", "1.4.0");
        ManifestTree.Write(options, Log);
        foreach (var overlay in (string[])["staging", "production"])
        {
            SecretsFile.Create(Path.Combine(Folder, "overlays", overlay, SecretsFile.Name), TextWriter.Null);
        }

        _production = new(() => Kustomize("overlays/production"));
        _staging = new(() => Kustomize("overlays/staging"));
        _managed = new(() =>
        {
            CopyOverlay("production", "managed");
            var file = Path.Combine(Folder, "overlays", "managed", "kustomization.yaml");
            File.WriteAllText(file, File.ReadAllText(file).Replace("- ../../components/bundled-stores", "- ../../components/managed-stores", StringComparison.Ordinal));
            File.AppendAllText(
                Path.Combine(Folder, "overlays", "managed", SecretsFile.Name),
                "SECRET_CITYDB_CONNECTION=Host=db.example.net;Username=city;Password=not-for-the-eye;Database=citydb\nSECRET_REDIS_CONNECTION=cache.example.net:6380,ssl=true,password=not-for-the-eye\n");
            return Kustomize("overlays/managed");
        });
    }

    public static string Repository { get; } = Root();

    public static bool HasKubectl { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, OperatingSystem.IsWindows() ? "kubectl.exe" : "kubectl")));

    public string Folder { get; } = Directory.CreateTempSubdirectory("citypulse-deploy-").FullName;

    internal StringWriter Log { get; } = new();

    internal Cluster Production() => Built(_production);

    internal Cluster Staging() => Built(_staging);

    /// <summary>Production with the switch at managed stores.</summary>
    internal Cluster Managed() => Built(_managed);

    /// <summary>The rendered base, file by file, as it is without any kustomize.</summary>
    internal Cluster Base() => Cluster.Parse(string.Join("\n---\n", Directory.EnumerateFiles(Path.Combine(Folder, "base"), "*.yaml", SearchOption.AllDirectories)
        .Where(file => Path.GetFileName(file) != "kustomization.yaml").Order(StringComparer.Ordinal).Select(File.ReadAllText)));

    public void Dispose()
    {
        Log.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>With the policy of backups, which are applied beside an overlay.</summary>
    private static Cluster Built(Lazy<string> yaml)
    {
        Assert.SkipUnless(HasKubectl, Kubectl);
        var cluster = Cluster.Parse(yaml.Value);
        foreach (var policy in Cluster.Parse(File.ReadAllText(Path.Combine(Repository, "deploy", "backup", "cronjob.yaml"))).All<V1NetworkPolicy>())
        {
            cluster.Add(policy);
        }

        return cluster;
    }

    private void CopyOverlay(string from, string to)
    {
        Directory.CreateDirectory(Path.Combine(Folder, "overlays", to));
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Folder, "overlays", from)))
        {
            File.Copy(file, Path.Combine(Folder, "overlays", to, Path.GetFileName(file)));
        }
    }

    private string Kustomize(string overlay)
    {
        var start = new ProcessStartInfo("kubectl", ["kustomize", Path.Combine(Folder, overlay)]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"kubectl kustomize {overlay}: {errors.Result}");
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "CityPulse.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests run outside the repository.");
        }

        return folder.FullName;
    }
}
