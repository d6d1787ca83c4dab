using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Serilog;
using Serilog.Events;
using Serilog.Extensions.Logging;
using Serilog.Formatting.Compact;

namespace CityPulse.ServiceDefaults.Telemetry;

/// <summary>Section <c>Logs</c>: the log in files too, for a single host without a collector.</summary>
internal sealed class LogFileOptions
{
    public const string Section = "Logs";

    /// <summary>Where the files go; without it there are none.</summary>
    public string? Folder { get; set; }

    [Range(1, 3650, ErrorMessage = "Logs:KeepDays must be from 1 to 3650.")]
    public int KeepDays { get; set; } = 14;

    /// <summary>A file that has reached it is followed by another of the same day.</summary>
    [Range(1, 2048, ErrorMessage = "Logs:MaxMegabytes must be from 1 to 2048.")]
    public int MaxMegabytes { get; set; } = 100;
}

internal static class LogFileExtensions
{
    /// <summary>Two files a day, a line of JSON a record: all of the log, and its errors by themselves. Serilog rolls and forgets them.</summary>
    public static void AddLogFiles(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<LogFileOptions>().BindConfiguration(LogFileOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        if (!string.IsNullOrWhiteSpace(builder.Configuration[$"{LogFileOptions.Section}:{nameof(LogFileOptions.Folder)}"]))
        {
            var name = builder.Environment.ApplicationName.ToLowerInvariant();
            builder.Services.AddSingleton<ILoggerProvider>(provider =>
                new SerilogLoggerProvider(Create(provider.GetRequiredService<IOptions<LogFileOptions>>().Value, name), dispose: true));
        }
    }

    private static Serilog.Core.Logger Create(LogFileOptions options, string name)
    {
        return new LoggerConfiguration()
            .MinimumLevel.Verbose()
            .WriteTo.Logger(all => ToFile(all, Path.Combine(options.Folder!, $"{name}-.jsonl"), LogEventLevel.Verbose))
            .WriteTo.Logger(errors => ToFile(errors, Path.Combine(options.Folder!, $"{name}-errors-.jsonl"), LogEventLevel.Error))
            .CreateLogger();

        // Shared, since several replicas on one host write into the same file.
        void ToFile(LoggerConfiguration logger, string path, LogEventLevel least) => logger.MinimumLevel.Verbose().WriteTo.File(
            new CompactJsonFormatter(), path, least, fileSizeLimitBytes: options.MaxMegabytes * 1024L * 1024, rollOnFileSizeLimit: true, shared: true,
            rollingInterval: RollingInterval.Day, retainedFileCountLimit: null, retainedFileTimeLimit: TimeSpan.FromDays(options.KeepDays));
    }
}
