using CityPulse.AppHost;
using Microsoft.Extensions.Configuration;
using Shouldly;

namespace CityPulse.Tests.AppHost.Engine;

public sealed class LocalSecretsTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"citypulse-secrets-{Guid.NewGuid():N}");

    [Fact]
    public void Missing_secrets_are_made_once_and_kept_for_their_owner_only()
    {
        var first = Add();
        var second = Add();

        foreach (var name in new[] { "postgres-password", "redis-password", "auth-key-encryption-key", "internal-key" })
        {
            first[$"Parameters:{name}"].ShouldNotBeNullOrEmpty(name);
            second[$"Parameters:{name}"].ShouldBe(first[$"Parameters:{name}"]);
        }

        Convert.FromBase64String(first["Parameters:auth-key-encryption-key"]!).Length.ShouldBe(32);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(Path.Combine(_folder, "secrets.json")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    [Fact]
    public void A_given_secret_wins_and_is_not_stored()
    {
        var configuration = Add(("Parameters:internal_key", "given"));

        configuration["Parameters:internal-key"].ShouldBe("given");
        File.ReadAllText(Path.Combine(_folder, "secrets.json")).ShouldNotContain("given");
    }

    [Fact]
    public void A_damaged_file_is_not_overwritten()
    {
        Directory.CreateDirectory(_folder);
        File.WriteAllText(Path.Combine(_folder, "secrets.json"), "{ half");

        Should.Throw<DistributedApplicationException>(() => Add()).Message.ShouldContain("damaged");
        File.ReadAllText(Path.Combine(_folder, "secrets.json")).ShouldBe("{ half");
    }

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private ConfigurationManager Add(params (string Key, string Value)[] given)
    {
        var configuration = new ConfigurationManager();
        foreach (var (key, value) in given)
        {
            configuration[key] = value;
        }

        LocalSecrets.AddTo(configuration, _folder);
        return configuration;
    }
}
