using System.Diagnostics;
using System.Reflection;

namespace CityPulse.Tests.AppHost.Engine;

/// <summary>The real AppHost as a process of its own, for what only a process shows: exit codes, signals, its death.</summary>
internal static class AppHostProcess
{
    public static Process Start(params string[] args)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "looks at /proc");
        var configuration = typeof(AppHostProcess).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        var assembly = Path.Combine(Projects.CityPulse_AppHost.ProjectPath, "bin", configuration, "net10.0", "CityPulse.AppHost.dll");
        var start = new ProcessStartInfo("dotnet", ["exec", assembly, .. args])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath(),
        };
        start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        var process = Process.Start(start)!;
        return process;
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] args)
    {
        using var process = Start(args);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(90));
        return (process.ExitCode, await output, await errors);
    }
}
