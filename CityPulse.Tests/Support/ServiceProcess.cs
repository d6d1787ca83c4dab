using System.Diagnostics;
using System.Reflection;

namespace CityPulse.Tests.Support;

/// <summary>A service as a process of its own that ends by itself: for its command-line switches.</summary>
internal static class ServiceProcess
{
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string project, string[] args, Dictionary<string, string?> environment)
    {
        var configuration = typeof(ServiceProcess).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        var assembly = Path.GetFullPath(Path.Combine(Projects.CityPulse_AppHost.ProjectPath, "..", project, "bin", configuration, "net10.0", $"{project}.dll"));
        var start = new ProcessStartInfo("dotnet", ["exec", assembly, .. args]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(90));
        return (process.ExitCode, await output, await errors);
    }
}
