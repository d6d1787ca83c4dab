using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>Settings that are on or off, in the words that environment variables have always had for it.</summary>
internal static class Switches
{
    /// <returns>Null where nothing is set.</returns>
    /// <exception cref="OptionsValidationException">Neither on nor off.</exception>
    public static bool? GetSwitch(this IConfiguration configuration, string key) => configuration[key]?.Trim().ToLowerInvariant() switch
    {
        null or "" => null,
        "true" or "1" or "yes" or "on" => true,
        "false" or "0" or "no" or "off" => false,
        var other => throw new OptionsValidationException(key, typeof(bool), [$"{key} must be true or false, but is \"{other}\"."]),
    };
}
