using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;

namespace CityPulse.ServiceDefaults.Telemetry;

internal static class LogLevels
{
    /// <summary>
    /// Libraries speak up when something is wrong; what they do otherwise is in traces and metrics. As the weakest source of
    /// configuration, so that <c>Logging:LogLevel:Npgsql=Information</c> from anywhere still wins.
    /// </summary>
    public static void QuietLibraries(this ConfigurationManager configuration) =>
        ((IConfigurationBuilder)configuration).Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = new Dictionary<string, string?>
            {
                ["Logging:LogLevel:Default"] = "Information",
                ["Logging:LogLevel:Microsoft"] = "Warning",
                ["Logging:LogLevel:Microsoft.Hosting.Lifetime"] = "Information",
                ["Logging:LogLevel:Npgsql"] = "Warning",
                ["Logging:LogLevel:Polly"] = "Warning",
                ["Logging:LogLevel:StackExchange.Redis"] = "Warning",
                ["Logging:LogLevel:System.Net.Http"] = "Warning",
                ["Logging:LogLevel:Yarp"] = "Warning",
            },
        });
}
