using System.Diagnostics;
using System.Reflection;

namespace CityPulse.Tests.AppHost.Engine;

/// <summary>The real AppHost as a process of its own, for what only a process shows: exit codes, signals, its death.</summary>
internal sealed class AppHostProcess : IDisposable
{
    private readonly Task<string> _output;
    private readonly Task<string> _errors;

    private AppHostProcess(Process process)
    {
        Process = process;
        _output = process.StandardOutput.ReadToEndAsync();
        _errors = process.StandardError.ReadToEndAsync();
    }

    public Process Process { get; }

    public static AppHostProcess Start(params string[] args)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "looks at /proc");
        var configuration = typeof(AppHostProcess).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        var assembly = Path.Combine(Projects.CityPulse_AppHost.ProjectPath, "bin", configuration, "net10.0", "CityPulse.AppHost.dll");
        var start = new ProcessStartInfo("dotnet", ["exec", assembly, .. args])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath(),
        };
        start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        return new AppHostProcess(Process.Start(start)!);
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] args)
    {
        using var run = Start(args);
        await run.Process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(90));
        return (run.Process.ExitCode, await run._output, await run._errors);
    }

    public void Dispose()
    {
        if (!Process.HasExited)
        {
            Process.Kill();
        }

        Process.Dispose();
    }
}
