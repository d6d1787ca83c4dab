using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using CityPulse.ServiceDefaults.Telemetry;

namespace CityPulse.AiGateway.Accounting;

/// <summary>
/// Tokens and money as counters, by model and outcome; never by user. They are added up here and told when somebody collects them: to tell
/// them call by call costs each call as much as to write it down.
/// </summary>
internal sealed class UsageMetrics : IMeasures, IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _fallbacks;
    private readonly ConcurrentDictionary<string, Total> _models = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Model, string Outcome), Calls> _calls = new();

    public UsageMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("CityPulse.AiGateway.Accounting");
        _meter.CreateObservableCounter("citypulse.ai.tokens", Tokens, "{token}", "Tokens of model calls, by model and direction.");
        _meter.CreateObservableCounter("citypulse.ai.cost", Cost, "USD", "Cost of model calls with a known price, by model.");
        _meter.CreateObservableCounter("citypulse.ai.calls", CallsMade, "{call}", "Calls of models, by model and outcome.");
        _fallbacks = _meter.CreateCounter<long>("citypulse.ai.fallbacks", "{call}", "Times that the next model of a chain was asked, by why the one before did not answer.");
        _fallbacks.Add(0, Reason("timeout"));
    }

    public void Count(CallRecord call)
    {
        _models.GetOrAdd(call.Model.Id, static _ => new Total()).Add(call);
        Interlocked.Increment(ref _calls.GetOrAdd((call.Model.Id, call.Outcome), static _ => new Calls()).Made);
    }

    /// <param name="reason">One of the gateway's own words, never a provider's.</param>
    public void FellBack(string reason) => _fallbacks.Add(1, Reason(reason));

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> Tokens() => _models.SelectMany(m => (Measurement<long>[])
    [
        new(m.Value.InputTokens, Model(m.Key), new("gen_ai.token.type", "input")), new(m.Value.OutputTokens, Model(m.Key), new("gen_ai.token.type", "output")),
    ]);

    private IEnumerable<Measurement<double>> Cost() => _models.Select(m => new Measurement<double>(m.Value.CostUsd, Model(m.Key)));

    private IEnumerable<Measurement<long>> CallsMade() =>
        _calls.Select(c => new Measurement<long>(Volatile.Read(ref c.Value.Made), Model(c.Key.Model), new("outcome", c.Key.Outcome)));

    private static KeyValuePair<string, object?> Model(string id) => new("gen_ai.request.model", id);

    private static KeyValuePair<string, object?> Reason(string reason) => new("reason", reason);

    private sealed class Calls
    {
        public long Made;
    }

    /// <summary>What one model was asked and has answered. Money is added up exactly, and rounded when it is told.</summary>
    private sealed class Total
    {
        private readonly Lock _lock = new();
        private decimal _costUsd;
        private long _inputTokens;
        private long _outputTokens;

        public long InputTokens => Volatile.Read(ref _inputTokens);

        public long OutputTokens => Volatile.Read(ref _outputTokens);

        public double CostUsd
        {
            get
            {
                lock (_lock)
                {
                    return (double)_costUsd;
                }
            }
        }

        public void Add(CallRecord call)
        {
            lock (_lock)
            {
                _inputTokens += call.InputTokens;
                _outputTokens += call.OutputTokens;
                _costUsd += call.CostUsd ?? 0;
            }
        }
    }
}
