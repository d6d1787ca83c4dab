using System.Diagnostics.Metrics;
using CityPulse.AiGateway.Accounting;
using CityPulse.AiGateway.Models;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Accounting;

public sealed class UsageMetricsTests
{
    [Fact]
    public void Calls_are_added_up_by_model_direction_and_outcome()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meters = services.GetRequiredService<IMeterFactory>();
        using var metrics = new UsageMetrics(meters);
        var told = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (ReferenceEquals(instrument.Meter.Scope, meters) && instrument.IsObservable)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Tell(instrument, FormattableString.Invariant($"{value}"), tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Tell(instrument, FormattableString.Invariant($"{value}"), tags));
        listener.Start();

        listener.RecordObservableInstruments();
        told.ShouldBeEmpty();

        var (a, b) = (Model("p/a"), Model("p/b"));
        metrics.Count(new CallRecord(a, 10, 5, 0.1m, "completed", false));
        metrics.Count(new CallRecord(a, 20, 0, 0.2m, "completed", false));
        metrics.Count(new CallRecord(a, 0, 0, null, "timeout", false));
        metrics.Count(new CallRecord(b, 1, 2, null, "completed", false));
        listener.RecordObservableInstruments();
        told.Order(StringComparer.Ordinal).ShouldBe(
        [
            "citypulse.ai.calls {call} 1 p/a timeout", "citypulse.ai.calls {call} 1 p/b completed", "citypulse.ai.calls {call} 2 p/a completed",
            "citypulse.ai.cost USD 0 p/b", "citypulse.ai.cost USD 0.3 p/a",
            "citypulse.ai.tokens {token} 1 p/b input", "citypulse.ai.tokens {token} 2 p/b output",
            "citypulse.ai.tokens {token} 30 p/a input", "citypulse.ai.tokens {token} 5 p/a output",
        ]);

        void Tell(Instrument instrument, string value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            told.Add($"{instrument.Name} {instrument.Unit} {value} {string.Join(' ', tags.ToArray().Select(t => t.Value))}");
    }

    private static ModelInfo Model(string id) => new(id, "p", Available: true, 1, 1, null, []);
}
