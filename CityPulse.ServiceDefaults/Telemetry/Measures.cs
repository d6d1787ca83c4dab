using Microsoft.Extensions.DependencyInjection;

namespace CityPulse.ServiceDefaults.Telemetry;

/// <summary>
/// A class of metrics that is made when the service starts, and not when something is first counted. What can be counted under few and
/// known names begins at zero then: to a rule that waits for an increase, a counter that appears with its first count has not increased.
/// </summary>
public interface IMeasures;

public static class MeasuresExtensions
{
    public static IServiceCollection AddMeasures<T>(this IServiceCollection services)
        where T : class, IMeasures => services.AddSingleton<T>().AddSingleton<IMeasures>(provider => provider.GetRequiredService<T>());
}
