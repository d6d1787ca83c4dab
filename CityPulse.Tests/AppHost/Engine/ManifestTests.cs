using System.Text;
using System.Text.Json;
using CityPulse.AppHost.Standalone.Publishing;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;

namespace CityPulse.Tests.AppHost.Engine;

public sealed class ManifestTests
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(Projects.CityPulse_AppHost.ProjectPath, ".."));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_manifest_is_the_one_that_was_reviewed()
    {
        var reviewed = Path.Combine(Root, "CityPulse.Tests", "AppHost", "Engine", "manifest.json");
        var manifest = await WriteAsync();
        if (!File.Exists(reviewed) || await File.ReadAllTextAsync(reviewed, Cancel) != manifest)
        {
            // The new one is put beside the old one, to be compared and, if it is meant so, taken over.
            await File.WriteAllTextAsync(Path.ChangeExtension(reviewed, ".received.json"), manifest, Cancel);
        }

        manifest.ShouldBe(await File.ReadAllTextAsync(reviewed, Cancel));
    }

    [Fact]
    public async Task It_has_the_five_resources_the_database_and_a_parameter_for_every_secret()
    {
        using var manifest = JsonDocument.Parse(await WriteAsync());
        var resources = manifest.RootElement.GetProperty("resources").EnumerateObject().ToDictionary(r => r.Name, r => r.Value.GetProperty("type").GetString());

        resources.ShouldBe(new Dictionary<string, string?>
        {
            ["auth-key-encryption-key"] = "parameter.v0", ["internal-key"] = "parameter.v0", ["postgres-password"] = "parameter.v0",
            ["redis-password"] = "parameter.v0", ["openai-api-key"] = "parameter.v0",
            ["postgres"] = "container.v0", ["citydb"] = "value.v0", ["redis"] = "container.v0",
            ["api"] = "project.v0", ["realtime"] = "project.v0", ["aigateway"] = "project.v0",
        }, ignoreOrder: true);
        foreach (var (name, _) in resources.Where(r => r.Value == "parameter.v0"))
        {
            manifest.RootElement.GetProperty("resources").GetProperty(name).GetProperty("inputs").GetProperty("value").GetProperty("secret").GetBoolean().ShouldBeTrue(name);
        }
    }

    [Fact]
    public async Task No_secret_value_stands_in_it_even_when_all_are_given()
    {
        string[] secrets = ["postgres-password", "redis-password", "auth-key-encryption-key", "internal-key", "openai-api-key"];
        var manifest = await WriteAsync([.. secrets.Select(name => $"--Parameters:{name}=hidden-{name}"),
            "--ConnectionStrings:citydb=Host=hidden-host", "--Demo:Password=hidden-demo"]);

        manifest.ShouldNotContain("hidden-");
        manifest.ShouldNotContain("CityPulse-demo-2026");
        manifest.ShouldNotContain("Development");
    }

    [Fact]
    public async Task The_command_line_writes_the_same_and_starts_nothing()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("citypulse-manifest-").FullName, "manifest.json");
        try
        {
            var (exitCode, output, errors) = await AppHostProcess.RunAsync("--publisher", "manifest", "--output-path", file);

            errors.ShouldBeEmpty();
            exitCode.ShouldBe(0);
            output.Trim().ShouldBe($"Wrote the manifest to {file}");
            (await File.ReadAllTextAsync(file, Cancel)).ShouldBe(await WriteAsync(path: file));
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
    }

    private static async Task<string> WriteAsync(string[]? args = null, string? path = null)
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.CityPulse_AppHost>(
            ["--publisher", "manifest", "--output-path", "manifest.json", .. args ?? []], Cancel);
        await using var app = await builder.BuildAsync(Cancel);
        return Encoding.UTF8.GetString(ManifestWriter.Write(app.Services.GetRequiredService<DistributedApplicationModel>(), path ?? Path.Combine(Root, "manifest.json")));
    }
}
