using System.Security.Cryptography;

namespace CityPulse.Deploy;

/// <summary>
/// A file of new random secrets, for an overlay's Secret or for Docker Compose. Git ignores it, its owner alone can read it, and one that
/// is there is never written over: it may be the only key to a database.
/// </summary>
internal static class SecretsFile
{
    public const string Name = "secrets.env";

    /// <summary>By the name of the Aspire parameter; what only the operator knows is left empty.</summary>
    private static readonly (string Parameter, Func<string> Make)[] Known =
    [
        ("postgres-password", Password),
        ("redis-password", Password),
        ("internal-key", Password),
        ("auth-key-encryption-key", () => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))),
        ("openai-api-key", () => ""),
    ];

    public static IEnumerable<string> Parameters => Known.Select(known => known.Parameter);

    public static void Create(string file, TextWriter log)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        if (!Directory.Exists(Path.GetDirectoryName(file)))
        {
            throw new DeployException($"There is no folder {Path.GetDirectoryName(file)}.");
        }

        try
        {
            using var writer = new StreamWriter(file, options);
            foreach (var (parameter, make) in Known)
            {
                writer.Write($"{AspireManifest.SecretVariable(parameter)}={make()}\n");
            }
        }
        catch (IOException) when (File.Exists(file))
        {
            throw new DeployException($"{file} is there already and stays as it is: a database may know its passwords.");
        }

        log.WriteLine($"Wrote new secrets to {file}; keep a copy in a safe place.");
        log.WriteLine($"{AspireManifest.SecretVariable("openai-api-key")} is empty: fill it in, or configure another model provider, or none.");
    }

    private static string Password() => RandomNumberGenerator.GetHexString(48, lowercase: true);
}
