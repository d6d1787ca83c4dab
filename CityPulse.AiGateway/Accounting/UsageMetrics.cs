using System.Diagnostics.Metrics;

namespace CityPulse.AiGateway.Accounting;

/// <summary>Tokens and money as counters, by model and outcome; never by user.</summary>
internal sealed class UsageMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _tokens;
    private readonly Counter<double> _cost;
    private readonly Counter<long> _calls;

    public UsageMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("CityPulse.AiGateway.Accounting");
        _tokens = _meter.CreateCounter<long>("citypulse.ai.tokens", "{token}", "Tokens of model calls, by model and direction.");
        _cost = _meter.CreateCounter<double>("citypulse.ai.cost", "USD", "Cost of model calls with a known price, by model.");
        _calls = _meter.CreateCounter<long>("citypulse.ai.calls", "{call}", "Calls of models, by model and outcome.");
    }

    public void Count(CallRecord call)
    {
        var model = new KeyValuePair<string, object?>("gen_ai.request.model", call.Model.Id);
        _tokens.Add(call.InputTokens, model, new("gen_ai.token.type", "input"));
        _tokens.Add(call.OutputTokens, model, new("gen_ai.token.type", "output"));
        _cost.Add((double)(call.CostUsd ?? 0), model);
        _calls.Add(1, model, new("outcome", call.Outcome));
    }

    public void Dispose() => _meter.Dispose();
}
