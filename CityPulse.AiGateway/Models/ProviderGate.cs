using CityPulse.AiGateway.Models.Domain;

namespace CityPulse.AiGateway.Models;

/// <summary>A provider that is not even asked now.</summary>
internal sealed class ProviderClosedException(string reason, TimeSpan wait) : Exception($"The provider is not asked: {reason}.")
{
    public string Reason { get; } = reason;

    public TimeSpan Wait { get; } = wait;
}

/// <summary>How many calls a provider gets at a time, and whether it gets any.</summary>
internal sealed class ProviderGate(ProviderOptions options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan LongestQueueing = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _places = new(options.MaxConcurrentCalls);

    public ProviderOptions Options => options;

    public CircuitBreaker Breaker { get; } = new(options.FailuresToBreak, TimeSpan.FromSeconds(options.BreakSeconds));

    /// <exception cref="ProviderClosedException">It failed too often of late, or all its places are taken.</exception>
    public ValueTask EnterAsync(CancellationToken cancellationToken)
    {
        if (!_places.Wait(0, cancellationToken))
        {
            return QueueAsync(cancellationToken);
        }

        Check();
        return ValueTask.CompletedTask;
    }

    private async ValueTask QueueAsync(CancellationToken cancellationToken)
    {
        if (!await _places.WaitAsync(LongestQueueing, cancellationToken))
        {
            throw new ProviderClosedException("busy", TimeSpan.FromSeconds(1));
        }

        Check();
    }

    private void Check()
    {
        if (Breaker.Wait(time.GetUtcNow()) is { } wait)
        {
            _places.Release();
            throw new ProviderClosedException("circuit_open", wait);
        }
    }

    public void Leave() => _places.Release();

    public void Dispose() => _places.Dispose();
}
