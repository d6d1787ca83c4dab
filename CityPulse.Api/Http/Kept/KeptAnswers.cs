using System.Diagnostics.Metrics;
using CityPulse.Api.Energy;
using CityPulse.ServiceDefaults.Security;
using CityPulse.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Caching.Memory;
using Npgsql;

namespace CityPulse.Api.Http.Kept;

/// <summary>Answers of hot reads, kept for five minutes at most and never longer than they are true.</summary>
internal static class KeptAnswers
{
    /// <summary>Larger ones are not asked for often enough to be worth their room.</summary>
    public const int MostBytes = 1024 * 1024;

    private const long MostBytesInMemory = 64 * 1024 * 1024;

    private sealed record Kept(Func<HttpRequest, DateTimeOffset, bool> IsKept);

    public static void AddKeptAnswers(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<AnswerVersions>();
        builder.Services.AddMeasures<KeptAnswerMetrics>();
        builder.Services.AddSingleton<IDistributedCache, SharedAnswers>();
        builder.Services.Configure<MemoryCacheOptions>(options => options.SizeLimit = MostBytesInMemory);
        builder.Services.AddHybridCache(options =>
        {
            options.MaximumPayloadBytes = MostBytes;
            options.DefaultEntryOptions = new() { Expiration = PendingAnswer.Longest, LocalCacheExpiration = PendingAnswer.Longest };
        }).AddSerializer<KeptAnswer, KeptAnswerSerializer>();
    }

    /// <summary>
    /// Marks a read whose answers are kept. They must follow from what the organisation has stored alone, in versioned tables or with an
    /// event in the outbox (<see cref="AnswerTriggers"/>); where the clock has a say too, the answer tells until when it holds.
    /// </summary>
    public static RouteHandlerBuilder KeepAnswers(this RouteHandlerBuilder builder) =>
        builder.WithMetadata(new Kept(static (_, _) => true));

    /// <summary>The same for reads of a period: one that is over by now, and that the reader has named in full, holds still.</summary>
    public static RouteHandlerBuilder KeepAnswersOfThePast(this RouteHandlerBuilder builder) =>
        builder.WithMetadata(new Kept(static (request, now) =>
            request.Query["from"] is [{ } start] && request.Query["to"] is [{ } end]
            && EnergyPeriod.Parse(start, end, now) is (var period, null) && period.To <= now));

    /// <summary>After authorization, as it may answer in the place of what comes later.</summary>
    public static IApplicationBuilder UseKeptAnswers(this IApplicationBuilder app) => app.UseMiddleware<Gate>();

    /// <summary>
    /// Looks the version up first and the answer under it after: what lies there was read when the version was already in force, so it
    /// shows all that was committed before the request came. No message has to reach anybody for that.
    /// </summary>
    private sealed class Gate(RequestDelegate next, AnswerVersions versions, HybridCache cache, KeptAnswerMetrics metrics, TimeProvider time)
    {
        private const int LongestAddress = 600;

        private static readonly HybridCacheEntryOptions OnlyLook = new() { Flags = HybridCacheEntryFlags.DisableUnderlyingData };

        public Task InvokeAsync(HttpContext context)
        {
            var request = context.Request;
            return context.GetEndpoint()?.Metadata.GetMetadata<Kept>() is { } kept && HttpMethods.IsGet(request.Method)
                && context.User.TryGetCaller(out var caller)
                && request.Path.Value!.Length + request.QueryString.Value!.Length + request.Headers.Accept.ToString().Length <= LongestAddress
                && kept.IsKept(request, time.GetUtcNow())
                    ? InvokeAsync(context, caller)
                    : next(context);
        }

        private async Task InvokeAsync(HttpContext context, Caller caller)
        {
            long version;
            try
            {
                version = await versions.ReadAsync(caller.OrganizationId);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                // The read itself will find out, and say so in its own way.
                metrics.Bypassed();
                await next(context);
                return;
            }

            var key = KeyOf(context, caller, version);
            var found = await cache.GetOrCreateAsync<KeptAnswer?>(key, static _ => ValueTask.FromResult<KeptAnswer?>(null), OnlyLook);
            if (found is not null && found.HoldsUntil > time.GetUtcNow())
            {
                metrics.Hit();
                await Sending.WriteAsync(context, found.ETag, found.ContentType, found.Vary, found.Body);
                return;
            }

            metrics.Missed();
            var pending = new PendingAnswer();
            context.Features.Set(pending);
            await next(context);
            if (pending.Answer is { } answer && pending.KeepFor(time.GetUtcNow()) is { } options)
            {
                await cache.SetAsync(key, answer, options);
            }
        }

        /// <summary>The part that a caller can choose freely comes last or has its length before it, so that no two keys look alike.</summary>
        private static string KeyOf(HttpContext context, Caller caller, long version)
        {
            var request = context.Request;
            var accept = request.Headers.Accept.ToString();
            return string.Create(
                null, stackalloc char[256],
                $"{caller.OrganizationId:N}:{version}:{(int)caller.Role}:{(int?)context.GetFrontend()}:{accept.Length}:{accept}:{request.Path.Value}{request.QueryString.Value}");
        }
    }
}

/// <summary>Where a read leaves its answer to be kept. That there is one says that the read is asked to.</summary>
internal sealed class PendingAnswer
{
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    public KeptAnswer? Answer { get; private set; }

    public void Leave(string etag, string contentType, string vary, byte[] body, DateTimeOffset? holdsUntil)
    {
        if (body.Length <= KeptAnswers.MostBytes)
        {
            Answer = new KeptAnswer(etag, contentType, vary, holdsUntil ?? DateTimeOffset.MaxValue, body);
        }
    }

    /// <returns>Null when it holds no longer.</returns>
    public HybridCacheEntryOptions? KeepFor(DateTimeOffset now)
    {
        var left = Answer!.HoldsUntil - now;
        var kept = left < Longest ? left : Longest;
        return kept > TimeSpan.Zero ? new HybridCacheEntryOptions { Expiration = kept, LocalCacheExpiration = kept } : null;
    }
}

internal sealed class KeptAnswerMetrics : IMeasures, IDisposable
{
    private const string HitWord = "hit";
    private const string MissWord = "miss";
    private const string BypassWord = "bypass";

    private readonly Meter _meter;
    private readonly Counter<long> _reads;

    public KeptAnswerMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("CityPulse.KeptAnswers");
        _reads = _meter.CreateCounter<long>("citypulse.answers.reads", "{read}", "Hot reads: answered from the cache (hit), anew (miss), or past it (bypass).");
        foreach (var how in (string[])[HitWord, MissWord, BypassWord])
        {
            Count(how, 0);
        }
    }

    public void Hit() => Count(HitWord, 1);

    public void Missed() => Count(MissWord, 1);

    public void Bypassed() => Count(BypassWord, 1);

    private void Count(string how, int reads) => _reads.Add(reads, new KeyValuePair<string, object?>("answered", how));

    public void Dispose() => _meter.Dispose();
}
