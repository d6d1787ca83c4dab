using Polly.CircuitBreaker;
using Polly.Timeout;

namespace CityPulse.Realtime.Feed;

/// <summary>What a call to another service fails with when that service is away.</summary>
internal static class Upstream
{
    public static bool IsAway(Exception e, CancellationToken cancel) => e
        is HttpRequestException or IOException or InvalidDataException or TimeoutRejectedException or BrokenCircuitException
        || (e is OperationCanceledException && !cancel.IsCancellationRequested);
}
