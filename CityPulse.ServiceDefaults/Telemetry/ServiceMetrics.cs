using System.Diagnostics.Metrics;

namespace CityPulse.ServiceDefaults.Telemetry;

/// <summary>What every service counts beyond what the framework counts by itself.</summary>
internal sealed class ServiceMetrics : IMeasures, IDisposable
{
    /// <summary>Meters whose name begins so are exported; slices name theirs <c>CityPulse.Something</c>.</summary>
    public const string MeterName = "CityPulse";

    private readonly Meter _meter;
    private readonly Counter<long> _errors;

    public ServiceMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        _errors = _meter.CreateCounter<long>("citypulse.http.errors", "{error}", "Answers that were problem details, by status.");
    }

    public void Error(int status) => _errors.Add(1, new KeyValuePair<string, object?>("http.response.status_code", status));

    public void Dispose() => _meter.Dispose();
}
