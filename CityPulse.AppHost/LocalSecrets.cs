using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace CityPulse.AppHost;

/// <summary>
/// Secrets of a local run: made once, kept beside the data that they protect, readable by their owner only. One that is given
/// from outside (<c>Parameters__internal_key</c> and so on) wins and is not stored.
/// </summary>
internal static class LocalSecrets
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true };

    private static readonly (string Name, Func<string> Make)[] Known =
    [
        ("postgres-password", Password),
        ("redis-password", Password),
        ("auth-key-encryption-key", () => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))),
        ("internal-key", Password),
    ];

    public static void AddTo(ConfigurationManager configuration, string dataFolder)
    {
        var file = Path.Combine(dataFolder, "secrets.json");
        var stored = Read(file);
        var missing = Known.Where(s => Given(configuration, s.Name) is null && !stored.ContainsKey(s.Name)).ToList();
        foreach (var (name, make) in missing)
        {
            stored[name] = make();
        }

        if (missing.Count > 0)
        {
            Write(dataFolder, file, stored);
        }

        foreach (var (name, _) in Known)
        {
            if ((Given(configuration, name) ?? stored.GetValueOrDefault(name)) is { } value)
            {
                configuration[$"Parameters:{name}"] = value;
            }
        }
    }

    /// <summary>Variables cannot have a dash in their name in every shell, so an underscore will do.</summary>
    private static string? Given(ConfigurationManager configuration, string name) =>
        configuration[$"Parameters:{name}"] ?? configuration[$"Parameters:{name.Replace('-', '_')}"];

    private static Dictionary<string, string> Read(string file)
    {
        if (!File.Exists(file))
        {
            return [];
        }

        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(file)) ?? [];
        }
        catch (JsonException)
        {
            throw new DistributedApplicationException(
                $"{file} is damaged. It holds the password of the database beside it: restore it, or begin anew with ./citypulse reset.");
        }
    }

    private static void Write(string folder, string file, Dictionary<string, string> secrets)
    {
        Directory.CreateDirectory(folder);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        var fresh = file + ".new";
        using (var stream = new FileStream(fresh, options))
        {
            JsonSerializer.Serialize(stream, secrets, Readable);
        }

        File.Move(fresh, file, overwrite: true);
    }

    private static string Password() => RandomNumberGenerator.GetHexString(48, lowercase: true);
}
