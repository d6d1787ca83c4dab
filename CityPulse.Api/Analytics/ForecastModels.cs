using CityPulse.Api.Analytics.Domain;

namespace CityPulse.Api.Analytics;

/// <summary>The next hours of a sensor.</summary>
/// <param name="From">Where the forecast begins: behind the last full hour of which enough is known.</param>
/// <param name="Method">
/// <c>regression</c>; <c>seasonal_naive_week</c> or <c>seasonal_naive_day</c> where the regression did not beat them; <c>none</c>, without items,
/// where too little is known.
/// </param>
/// <param name="BeatsNaive">Whether the regression beat both naive forecasts in the backtest; null where it could not be judged.</param>
/// <param name="Accuracy">Of the method, in a backtest over the last weeks.</param>
/// <param name="Note">What to mind.</param>
internal sealed record SensorForecastResponse(
    Guid SensorId, string Unit, DateTimeOffset? From, int HorizonHours, string Method, double Band, bool? BeatsNaive,
    ForecastAccuracyResponse? Accuracy, string? Note, IReadOnlyList<ForecastItem> Items);

/// <inheritdoc cref="SensorForecastResponse"/>
internal sealed record EnergyForecastResponse(
    Guid? BuildingId, string? Carrier, string Unit, DateTimeOffset? From, int HorizonHours, string Method, double Band, bool? BeatsNaive,
    ForecastAccuracyResponse? Accuracy, string? Note, IReadOnlyList<EnergyForecastItem> Items);

/// <param name="Value">The mean of the hour; of amounts their sum. As likely to be exceeded as not.</param>
/// <param name="Low">Lower end of the 80 % band.</param>
/// <param name="High">Upper end of the 80 % band.</param>
internal sealed record ForecastItem(DateTimeOffset At, double Value, double Low, double High);

/// <inheritdoc cref="ForecastItem"/>
internal sealed record EnergyForecastItem(DateTimeOffset At, double Kwh, double Low, double High);

/// <param name="Hours">Hours of the past that were forecast with what was known before them.</param>
/// <param name="MeanAbsoluteError">In the unit of the values.</param>
/// <param name="Mase">Of the mean absolute error over that of the weekly seasonal naive in the history (Hyndman and Koehler 2006).</param>
/// <param name="MaseDay">The same over the daily seasonal naive.</param>
/// <param name="Wape">Sum of absolute errors over the sum of the values; null where that is 0.</param>
/// <param name="Coverage">Share of hours within the band that would have been shown for them.</param>
internal sealed record ForecastAccuracyResponse(
    int Hours, double MeanAbsoluteError, double? Mase, double? MaseDay, double? RelativeToWeek, double? RelativeToDay, double? Wape, double? Coverage)
{
    public static ForecastAccuracyResponse? Of(ForecastAccuracy? a) => a is null or { Hours: 0 }
        ? null
        : new(a.Hours, a.MeanError, a.Mase, a.MaseDay, a.RelativeToWeek, a.RelativeToDay, a.Wape, a.Coverage);
}
