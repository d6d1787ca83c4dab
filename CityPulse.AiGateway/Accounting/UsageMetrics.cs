using System.Diagnostics.Metrics;
using CityPulse.ServiceDefaults.Telemetry;

namespace CityPulse.AiGateway.Accounting;

/// <summary>Tokens and money as counters, by model and outcome; never by user.</summary>
internal sealed class UsageMetrics : IMeasures, IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _tokens;
    private readonly Counter<double> _cost;
    private readonly Counter<long> _calls;
    private readonly Counter<long> _fallbacks;

    public UsageMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("CityPulse.AiGateway.Accounting");
        _tokens = _meter.CreateCounter<long>("citypulse.ai.tokens", "{token}", "Tokens of model calls, by model and direction.");
        _cost = _meter.CreateCounter<double>("citypulse.ai.cost", "USD", "Cost of model calls with a known price, by model.");
        _calls = _meter.CreateCounter<long>("citypulse.ai.calls", "{call}", "Calls of models, by model and outcome.");
        _fallbacks = _meter.CreateCounter<long>("citypulse.ai.fallbacks", "{call}", "Times that the next model of a chain was asked, by why the one before did not answer.");
        _fallbacks.Add(0, Reason("timeout"));
    }

    public void Count(CallRecord call)
    {
        var model = new KeyValuePair<string, object?>("gen_ai.request.model", call.Model.Id);
        _tokens.Add(call.InputTokens, model, new("gen_ai.token.type", "input"));
        _tokens.Add(call.OutputTokens, model, new("gen_ai.token.type", "output"));
        _cost.Add((double)(call.CostUsd ?? 0), model);
        _calls.Add(1, model, new("outcome", call.Outcome));
    }

    /// <param name="reason">One of the gateway's own words, never a provider's.</param>
    public void FellBack(string reason) => _fallbacks.Add(1, Reason(reason));

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Reason(string reason) => new("reason", reason);
}
