using System.Diagnostics;
using System.Text.Json;
using Shouldly;

namespace CityPulse.Tests.Deploy;

/// <summary>What the SDK's container support is told, as MSBuild sees it.</summary>
public sealed class ContainerImageTests
{
    [Fact]
    public async Task An_image_is_named_after_its_service_stands_on_a_chiseled_base_and_has_a_number_for_a_user()
    {
        var project = Path.Combine(DeployTree.Repository, "CityPulse.AiGateway", "CityPulse.AiGateway.csproj");
        var start = new ProcessStartInfo(
            "dotnet", ["msbuild", project, "-getProperty:ContainerRepository,ContainerImageTag,ContainerBaseImage,ContainerUser,Version", "-p:ContainerImageTag="])
        {
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        using var answer = JsonDocument.Parse(await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        var properties = answer.RootElement.GetProperty("Properties");
        Property("ContainerRepository").ShouldBe("citypulse/aigateway");
        Property("ContainerBaseImage").ShouldBe("mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra");
        Property("ContainerUser").ShouldBe("1654");

        string Property(string name) => properties.GetProperty(name).GetString()!;
    }
}
