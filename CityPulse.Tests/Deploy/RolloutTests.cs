using System.Diagnostics;
using Shouldly;

namespace CityPulse.Tests.Deploy;

/// <summary>deploy/rollout.sh against a kubectl that writes down what it is told.</summary>
public sealed class RolloutTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("citypulse-rollout-").FullName;

    [Fact]
    public async Task The_migration_is_done_before_the_services_roll_out()
    {
        var (exitCode, calls, _) = await RunAsync("Complete");

        exitCode.ShouldBe(0);
        calls.ShouldBe(
        [
            "apply rest", "get statefulset postgres", "rollout statefulset/postgres", "get statefulset redis", "rollout statefulset/redis",
            "delete job", "apply migrate", "get job", "apply serve", "rollout deployment/api", "rollout deployment/realtime", "rollout deployment/aigateway",
        ]);
    }

    [Fact]
    public async Task A_failed_migration_leaves_the_services_as_they_are()
    {
        var (exitCode, calls, errors) = await RunAsync("Failed");

        exitCode.ShouldBe(1);
        calls.ShouldNotContain("apply serve");
        calls[^1].ShouldBe("logs");
        errors.ShouldContain("the services are as they were");
    }

    private async Task<(int ExitCode, string[] Calls, string Errors)> RunAsync(string outcome)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "a shell script");
        var log = Path.Combine(_folder, "calls");
        var kubectl = Path.Combine(_folder, "kubectl");
        await File.WriteAllTextAsync(kubectl, $$"""
            #!/usr/bin/env bash
            case "$*" in
              kustomize*) echo 'kind: Namespace'; exit 0 ;;
              *notin*) call='apply rest' ;;
              *step=migrate*) call='apply migrate' ;;
              *step=serve*) call='apply serve' ;;
              "get statefulset"*"-n citypulse "*) call="get statefulset $3"; echo "statefulset/$3" ;;
              "get job migrate -n citypulse"*) call='get job'; echo '{{outcome}}' ;;
              "delete job migrate -n citypulse"*) call='delete job' ;;
              "rollout status"*"-n citypulse "*) call="rollout $3" ;;
              logs*--all-containers*) call=logs ;;
              *) call="unexpected: $*" ;;
            esac
            echo "$call" >>'{{log}}'
            """);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(kubectl, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        var start = new ProcessStartInfo("bash", [Path.Combine(DeployTree.Repository, "deploy", "rollout.sh"), Path.Combine(DeployTree.Repository, "deploy", "overlays", "production")])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["KUBECTL"] = kubectl;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await File.ReadAllLinesAsync(log), await errors);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
