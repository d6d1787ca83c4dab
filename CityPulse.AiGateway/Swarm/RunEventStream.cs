using System.Globalization;
using System.Text;
using CityPulse.AiGateway.Chat;
using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Swarm;

/// <summary>A run's events as server-sent events, from the record: those that were, then those that come, until the run has ended.</summary>
internal sealed class RunEventStream(Guid runId, Guid organizationId, long after) : IResult
{
    private const int AtOnce = 200;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var services = httpContext.RequestServices;
        var (store, signals) = (services.GetRequiredService<RunStore>(), services.GetRequiredService<RunSignals>());
        var (options, time) = (services.GetRequiredService<IOptions<SwarmOptions>>().Value, services.GetRequiredService<TimeProvider>());
        var response = httpContext.Response;
        TurnStream.Open(httpContext);
        try
        {
            await response.StartAsync(httpContext.RequestAborted);
            await WriteAsync(response, store, signals, options, time, httpContext.RequestAborted);
        }
        catch (OperationCanceledException) when (httpContext.RequestAborted.IsCancellationRequested)
        {
            // The reader has gone; the run goes on.
        }
    }

    private async Task WriteAsync(HttpResponse response, RunStore store, RunSignals signals, SwarmOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var last = after;
        var wrote = time.GetTimestamp();
        while (true)
        {
            var next = signals.Next;
            if (await store.EventsAsync(runId, organizationId, last, AtOnce, cancellationToken) is not var (hasEnded, events))
            {
                return;
            }

            if (events.Count > 0)
            {
                var text = new StringBuilder();
                foreach (var one in events)
                {
                    text.Append(CultureInfo.InvariantCulture, $"id: {one.Number}\nevent: {one.Type}\ndata: {one.Data}\n\n");
                }

                await SendAsync(text.ToString());
                last = events[^1].Number;
            }

            if (hasEnded)
            {
                return;
            }

            if (events.Count < AtOnce)
            {
                await signals.WaitAsync(next, options.Poll, cancellationToken);
            }

            if (time.GetElapsedTime(wrote) >= TimeSpan.FromSeconds(options.HeartbeatSeconds))
            {
                await SendAsync(": the run goes on\n\n");
            }
        }

        async Task SendAsync(string text)
        {
            await response.WriteAsync(text, cancellationToken);
            await response.Body.FlushAsync(cancellationToken);
            wrote = time.GetTimestamp();
        }
    }
}
