using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace CityPulse.Tests.Support;

/// <summary>
/// What an observable gauge of one host says now. The host's <c>/metrics</c> cannot be asked for it in this process, where it listens to
/// the instruments of all hosts and tells whichever came last.
/// </summary>
internal static class Gauges
{
    public static IReadOnlyList<long> ReadGauge(this IServiceProvider host, string name)
    {
        var scope = host.GetRequiredService<IMeterFactory>();
        var values = new List<long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == name && instrument.Meter.Scope == scope)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<int>((_, value, _, _) => values.Add(value));
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => values.Add(value));
        listener.Start();
        listener.RecordObservableInstruments();
        return values;
    }
}
