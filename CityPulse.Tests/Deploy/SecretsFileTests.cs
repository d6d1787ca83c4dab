using CityPulse.Deploy;
using Shouldly;

namespace CityPulse.Tests.Deploy;

public sealed class SecretsFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("citypulse-secrets-").FullName;

    private string File => Path.Combine(_folder, SecretsFile.Name);

    [Fact]
    public void It_has_a_value_for_every_secret_of_the_manifest_but_the_one_that_only_the_operator_knows()
    {
        var manifest = AspireManifest.Parse(System.IO.File.ReadAllText(Path.Combine(DeployTree.Repository, "CityPulse.Tests", "AppHost", "Engine", "manifest.json")));
        SecretsFile.Create(File, TextWriter.Null);

        var values = System.IO.File.ReadAllLines(File).Select(line => line.Split('=', 2)).ToDictionary(line => line[0], line => line[1]);
        values.Keys.ShouldBe(manifest.Secrets.Select(AspireManifest.SecretVariable), ignoreOrder: true);
        values.Where(v => v.Value.Length == 0).Select(v => v.Key).ShouldBe(["SECRET_OPENAI_API_KEY"]);
        Convert.FromBase64String(values["SECRET_AUTH_KEY_ENCRYPTION_KEY"]).Length.ShouldBe(32);
        // They stand in connection strings, a shell command and a file of variables.
        values["SECRET_POSTGRES_PASSWORD"].ShouldMatch("^[0-9a-f]{48}$");
        values["SECRET_REDIS_PASSWORD"].ShouldMatch("^[0-9a-f]{48}$");
        values["SECRET_POSTGRES_PASSWORD"].ShouldNotBe(values["SECRET_REDIS_PASSWORD"]);
    }

    [Fact]
    public void Only_its_owner_can_read_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "files have no modes there");
        SecretsFile.Create(File, TextWriter.Null);
        if (!OperatingSystem.IsWindows())
        {
            System.IO.File.GetUnixFileMode(File).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    [Fact]
    public void One_that_is_there_is_never_written_over()
    {
        System.IO.File.WriteAllText(File, "old");
        Should.Throw<DeployException>(() => SecretsFile.Create(File, TextWriter.Null)).Message.ShouldContain("stays as it is");
        System.IO.File.ReadAllText(File).ShouldBe("old");
    }

    [Fact]
    public void What_it_says_has_no_secret()
    {
        using var log = new StringWriter();
        SecretsFile.Create(File, log);
        foreach (var value in System.IO.File.ReadAllLines(File).Select(line => line.Split('=', 2)[1]).Where(value => value.Length > 0))
        {
            log.ToString().ShouldNotContain(value);
        }
    }

    [Fact]
    public void Git_ignores_it_and_the_rendered_base()
    {
        var ignored = System.IO.File.ReadAllLines(Path.Combine(DeployTree.Repository, ".gitignore"));
        ignored.ShouldContain(SecretsFile.Name);
        ignored.ShouldContain("deploy/base/");
        ignored.ShouldContain("aspirate-state.json");
    }

    [Theory]
    [InlineData("secrets", "Usage")]
    [InlineData("manifests", "Usage")]
    [InlineData("manifests --output", "--output needs a value")]
    [InlineData("manifests --what x", "'--what' is not understood")]
    [InlineData("manifests --tag latest", "--tag takes the tag of one build")]
    [InlineData("manifests --tag a:b", "--tag takes the tag of one build")]
    [InlineData("manifests --registry https://ghcr.io", "--registry takes a registry")]
    [InlineData("manifests --registry GHCR.io", "--registry takes a registry")]
    public void A_command_that_is_not_understood_is_refused_with_a_reason(string arguments, string reason) =>
        Should.Throw<DeployException>(() => DeployOptions.Parse(arguments.Split(' '))).Message.ShouldContain(reason);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
