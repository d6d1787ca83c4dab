using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace CityPulse.ServiceDefaults.Revocations;

/// <summary>
/// Keeps what was revoked in memory. Redis only says "look": what it lost or who wrote to it decides nothing, and without it a
/// revocation is found at the next look.
/// </summary>
internal sealed partial class RevocationFollower(
    IRevocationSource source, IServiceProvider services, IOptions<RevocationOptions> options, TimeProvider time, ILogger<RevocationFollower> logger)
    : BackgroundService, IRevocations
{
    /// <summary>No access token lives longer, so that older revocations have nothing to say.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromHours(2);
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenFailures = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Guid, long> _known = new();
    private readonly SemaphoreSlim _looking = new(1, 1);
    private readonly Channel<bool> _bell = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private long _since;
    private long _lookedAt = long.MinValue;
    private long _failedAt = long.MinValue;
    private long _forgotAt = time.GetTimestamp();
    private volatile bool _isAway;

    public event Action? Looked;

    public bool IsCurrent => Volatile.Read(ref _lookedAt) is var at && at != long.MinValue && time.GetElapsedTime(at) <= options.Value.Limit;

    public bool IsKnown(Guid id) => _known.ContainsKey(id);

    public ValueTask<bool> IsRevokedAsync(Guid id, CancellationToken cancellationToken) =>
        IsCurrent ? ValueTask.FromResult(IsKnown(id)) : new(LookFirstAsync(id, cancellationToken));

    public async Task LookAsync(CancellationToken cancellationToken)
    {
        await _looking.WaitAsync(cancellationToken);
        try
        {
            await ReadAsync();
        }
        finally
        {
            _looking.Release();
        }
    }

    private async Task<bool> LookFirstAsync(Guid id, CancellationToken cancellationToken)
    {
        await _looking.WaitAsync(cancellationToken);
        try
        {
            // Others may have looked while this one waited, or have just failed to.
            if (!IsCurrent)
            {
                if (_failedAt != long.MinValue && time.GetElapsedTime(_failedAt) < BetweenFailures)
                {
                    throw new RevocationsUnavailableException("It could not be asked a moment ago which sessions have ended.");
                }

                await ReadAsync();
            }
        }
        finally
        {
            _looking.Release();
        }

        return IsKnown(id);
    }

    // Never with a request's own token: whoever waits next needs the answer too.
    private async Task ReadAsync()
    {
        var started = time.GetTimestamp();
        try
        {
            using var timeout = new CancellationTokenSource(LongestLook, time);
            var page = await source.ReadAsync(_since, timeout.Token);
            if (page.Next < _since)
            {
                // Another history than the one known so far, as after a restore.
                page = await source.ReadAsync(0, timeout.Token);
            }

            foreach (var id in page.Ids)
            {
                _known.TryAdd(id, started);
            }

            _since = page.Next;
            Volatile.Write(ref _lookedAt, started);
            Forget();
            if (_isAway)
            {
                _isAway = false;
                LogBack();
            }
        }
        catch (Exception e) when (e is RevocationsUnavailableException or OperationCanceledException)
        {
            _failedAt = time.GetTimestamp();
            if (!_isAway)
            {
                _isAway = true;
                LogAway(options.Value.Limit.TotalSeconds, e);
            }

            throw e as RevocationsUnavailableException ?? new RevocationsUnavailableException("It took too long to ask which sessions have ended.", e);
        }
        finally
        {
            Looked?.Invoke();
        }
    }

    private void Forget()
    {
        if (time.GetElapsedTime(_forgotAt) < TimeSpan.FromMinutes(1))
        {
            return;
        }

        _forgotAt = time.GetTimestamp();
        foreach (var (id, since) in _known)
        {
            if (time.GetElapsedTime(since) > Kept)
            {
                _known.TryRemove(id, out _);
            }
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(FollowAsync(stoppingToken), ListenAsync(stoppingToken));

    private async Task FollowAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (RevocationsUnavailableException)
            {
                // Told by the look itself, once.
            }

            using var pause = new CancellationTokenSource(options.Value.LookEvery, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, pause.Token);
            try
            {
                await _bell.Reader.ReadAsync(either.Token);
            }
            catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
            {
                // Nobody rang: time for a look nevertheless.
            }
        }
    }

    private async Task ListenAsync(CancellationToken stoppingToken)
    {
        if (services.GetService<IConnectionMultiplexer>() is not { } redis)
        {
            return;
        }

        for (var pause = TimeSpan.FromMilliseconds(250); ; pause = pause * 2 > LongestPause ? LongestPause : pause * 2)
        {
            try
            {
                await redis.GetSubscriber().SubscribeAsync(RevocationSignal.Channel, (_, _) => _bell.Writer.TryWrite(true));
                // Something may have been told before we listened.
                _bell.Writer.TryWrite(true);
                return;
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                LogDeaf(e.Message);
                await Task.Delay(pause, time, stoppingToken);
            }
        }
    }

    public override void Dispose()
    {
        _looking.Dispose();
        base.Dispose();
    }

    [LoggerMessage(LogLevel.Warning, "It cannot be asked which sessions have ended; after {LimitSeconds} s without an answer nobody is let in")]
    private partial void LogAway(double limitSeconds, Exception exception);

    [LoggerMessage(LogLevel.Information, "It is known again which sessions have ended")]
    private partial void LogBack();

    [LoggerMessage(LogLevel.Information, "Redis cannot tell of ended sessions yet, so they are found by looking: {Reason}")]
    private partial void LogDeaf(string reason);
}
