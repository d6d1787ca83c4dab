using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Threading.RateLimiting;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.RateLimiting.Domain;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.RateLimiting;

/// <summary>
/// Counts requests by <see cref="TierTable"/> and turns away those over the limit. After authentication, as it wants to know who calls,
/// and before authorization, so that guessing is counted too. What the edge hands on is counted where it arrives.
/// </summary>
internal sealed class RateLimitGate : IDisposable
{
    private readonly RequestDelegate _next;
    private readonly RateLimitMetrics _metrics;
    private readonly Dictionary<string, Tier> _tiers;
    private readonly PartitionedRateLimiter<Partition> _limiter;
    private readonly InternalKey _internalKey;

    public RateLimitGate(
        RequestDelegate next, IOptions<RateLimitOptions> options, SharedWindows shared, RateLimitMetrics metrics, InternalKey internalKey, TimeProvider time)
    {
        (_next, _metrics, _internalKey) = (next, metrics, internalKey);
        _tiers = options.Value.Tiers.ToDictionary(
            t => t.Key.ToLowerInvariant(), t => new Tier(t.Key.ToLowerInvariant(), t.Value.Permits, TimeSpan.FromSeconds(t.Value.WindowSeconds)));
        Func<Partition, RateLimiter> create = partition => new WindowLimiter(partition, shared, metrics, time);
        _limiter = PartitionedRateLimiter.Create<Partition, Partition>(
            partition => RateLimitPartition.Get(partition, create));
    }

    public Task InvokeAsync(HttpContext context) =>
        PartitionOf(context) is { } partition ? InvokeAsync(context, partition) : _next(context);

    private Task InvokeAsync(HttpContext context, Partition partition)
    {
        var lease = _limiter.AttemptAcquire(partition);
        return lease.IsAcquired ? GoOnAsync(context, (WindowLease)lease) : AskAsync(context, partition);
    }

    private async Task AskAsync(HttpContext context, Partition partition) =>
        await GoOnAsync(context, (WindowLease)await _limiter.AcquireAsync(partition, cancellationToken: context.RequestAborted));

    private Task GoOnAsync(HttpContext context, WindowLease window)
    {
        // When the answer starts: a fault clears what was set earlier.
        context.Response.OnStarting(SetHeaders, (context, window));
        if (window.IsAcquired)
        {
            return _next(context);
        }

        _metrics.Refused(window.Tier.Name);
        context.Response.Headers.RetryAfter = window.ResetSeconds.ToString(CultureInfo.InvariantCulture);
        return Problems.Of(
            StatusCodes.Status429TooManyRequests,
            $"The limit of {window.Tier.Permits} requests in {window.Tier.Window.TotalSeconds} s is used up. Try again in {window.ResetSeconds} s.")
            .ExecuteAsync(context);
    }

    private static readonly Func<object, Task> SetHeaders = static state =>
    {
        var (context, window) = ((HttpContext, WindowLease))state;
        context.Response.Headers["RateLimit-Policy"] = window.Tier.Policy;
        context.Response.Headers["RateLimit"] = string.Create(
            CultureInfo.InvariantCulture, $"\"{window.Tier.Name}\";r={window.Remaining};t={window.ResetSeconds}");
        return Task.CompletedTask;
    };

    private Partition? PartitionOf(HttpContext context)
    {
        if (context.IsPassThrough())
        {
            return null;
        }

        var user = context.User is CallerPrincipal known ? known.UserId
            : context.User.Identity is { IsAuthenticated: true } ? context.User.FindFirst(CityClaims.Subject)?.Value
            : null;
        // A device is nobody's account: it is authenticated by the key that it showed. A key that is not good is a stranger's.
        var key = context.Request.Headers[CityHeaders.ApiKey].ToString();
        if (key.Length > 0 && (context.User.Identity is not { IsAuthenticated: true } || context.User.TryGetCaller(out _)))
        {
            key = "";
        }

        if (TierTable.Of(context.Request.Path.Value, key.Length > 0) is not { } name || _internalKey.IsShownBy(context.Request))
        {
            return null;
        }

        return name == TierTable.Ingest ? new Partition(_tiers[name], PartitionKind.Key, HashOf(key))
            : name == TierTable.Auth || user is null ? new Partition(_tiers[name], PartitionKind.Address, AddressOf(context))
            : new Partition(_tiers[name], PartitionKind.User, user);
    }

    private static string AddressOf(HttpContext context)
    {
        Span<byte> bytes = stackalloc byte[16];
        var length = 0;
        context.Connection.RemoteIpAddress?.TryWriteBytes(bytes, out length);
        return ClientAddress.Partition(bytes[..length]);
    }

    /// <summary>Keys stand in Redis as hashes only.</summary>
    private static string HashOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 16));

    public void Dispose() => _limiter.Dispose();
}
