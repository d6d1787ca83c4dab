using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using StackExchange.Redis;
using StackExchange.Redis.Profiling;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Spans of Redis commands, from the client's own profiler: it collects commands by the activity they were sent in, and a loop turns
/// what is finished into child spans. Where nobody listens nothing is collected.
/// </summary>
internal sealed class RedisTracing(TimeProvider time) : BackgroundService
{
    public const string SourceName = "CityPulse.Redis";

    private static readonly ActivitySource Source = new(SourceName);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<ActivitySpanId, (Activity Parent, ProfilingSession Session)> _sessions = new();

    public void Watch(IConnectionMultiplexer redis) => redis.RegisterProfiler(Session);

    /// <summary>Commands outside any activity, such as a client's own pings, are nobody's span.</summary>
    private ProfilingSession? Session() => Source.HasListeners() && Activity.Current is { IsAllDataRequested: true } parent
        ? _sessions.GetOrAdd(parent.SpanId, static (_, parent) => (parent, new ProfilingSession()), parent).Session
        : null;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Drain();
            }
        }
        catch (OperationCanceledException)
        {
            // The last commands belong to requests that were still answered.
            Drain();
        }
    }

    internal void Drain()
    {
        foreach (var (id, (parent, session)) in _sessions)
        {
            // Looked at before draining: commands that finish in between are found, at worst, in the next round.
            if (parent.IsStopped)
            {
                _sessions.TryRemove(id, out _);
            }

            foreach (var command in session.FinishProfiling())
            {
                Record(parent.Context, command);
            }
        }
    }

    private static void Record(ActivityContext parent, IProfiledCommand command)
    {
        using var activity = Source.StartActivity(ActivityKind.Client, parent, startTime: command.CommandCreated, name: command.Command);
        if (activity is null)
        {
            return;
        }

        // Never the keys or values: they may be personal.
        activity.SetTag("db.system.name", "redis");
        activity.SetTag("db.operation.name", command.Command);
        activity.SetTag("db.namespace", command.Db);
        if (command.EndPoint is DnsEndPoint dns)
        {
            activity.SetTag("server.address", dns.Host).SetTag("server.port", dns.Port);
        }
        else if (command.EndPoint is IPEndPoint ip)
        {
            activity.SetTag("server.address", ip.Address.ToString()).SetTag("server.port", ip.Port);
        }

        activity.SetEndTime(command.CommandCreated + command.ElapsedTime);
    }
}
