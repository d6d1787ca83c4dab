using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Schema;

/// <summary>
/// <c>--migrate</c>: brings the service's schema up to date and ends, before a release rolls out. One attempt: whoever runs it (a Job, Compose)
/// tries again, and sees by the exit code whether to go on.
/// </summary>
public static partial class MigrateSwitch
{
    private const string Name = "--migrate";

    /// <returns>The exit code.</returns>
    public static async Task<int> RunOrMigrateAsync(this WebApplication app, string[] args)
    {
        if (!args.Contains(Name))
        {
            await app.RunAsync();
            return 0;
        }

        await using (app)
        {
            try
            {
                // What would stop the service stops its migration too, and by the same sentence.
                app.Services.GetService<IStartupValidator>()?.Validate();
                await app.Services.GetRequiredService<SchemaMigration>().MigrateAsync(CancellationToken.None);
                LogDone(app.Logger);
                return 0;
            }
            catch (Exception e)
            {
                LogFailed(app.Logger, e);
                return 1;
            }
        }
    }

    [LoggerMessage(LogLevel.Information, "The database is up to date.")]
    private static partial void LogDone(ILogger logger);

    [LoggerMessage(LogLevel.Critical, "The database could not be migrated.")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
