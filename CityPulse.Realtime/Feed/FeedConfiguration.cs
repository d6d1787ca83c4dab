using CityPulse.Realtime.Feed.SignalR;
using CityPulse.Realtime.Presence;
using CityPulse.Realtime.SocketIo;
using CityPulse.ServiceDefaults.Health;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.Redis;
using CityPulse.ServiceDefaults.Security;
using CityPulse.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace CityPulse.Realtime.Feed;

internal static class FeedConfiguration
{
    public static WebApplicationBuilder AddFeed(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<RealtimeOptions>().BindConfiguration(RealtimeOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddOptions<InternalOptions>().BindConfiguration(InternalOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddHealthChecks().AddCheck<StreamCheck>("stream", tags: [HealthNames.Ready]);
        builder.AddCityRedis();
        builder.AcceptAccessTokenFromQuery(Door.Path);
        builder.Services.AddMemoryCache();
        builder.Services.AddMeasures<FeedMetrics>();
        builder.Services.AddSingleton<Broadcaster>();
        builder.Services.AddSingleton<KnownResources>();
        builder.Services.AddSingleton<Subscriptions>();
        builder.Services.AddSingleton<Admission>();
        builder.Services.AddSingleton<Drain>();
        builder.Services.AddSingleton<PresenceBoard>();
        builder.Services.AddHostedService<StreamFollower>();
        builder.Services.AddHostedService<RevokedSessions>();
        builder.Services.AddHostedService<PresenceReporter>();
        builder.Services.AddHttpClient<TopicAccess>(client => client.BaseAddress = new Uri("http://api")).AddInternalKey();
        builder.Services.AddHttpClient<StreamHistory>().AskApi();
        builder.Services.AddHttpClient<ResourceDirectory>().AskApi();
        builder.AddSignalRDoor();
        builder.AddSocketIoDoor();
        return builder;
    }

    public static void MapFeed(this WebApplication app)
    {
        app.UseWebSockets();
        app.UseMiddleware<Door>();
        app.MapSignalRDoor();
        app.MapSocketIoDoor();
        app.Lifetime.ApplicationStopping.Register(app.Services.GetRequiredService<Drain>().Run);
    }

    /// <summary>A client of Api's internal port.</summary>
    private static void AskApi(this IHttpClientBuilder http)
    {
        http.ConfigureHttpClient(client => client.BaseAddress = new Uri("http://_internal.api")).AddInternalKey();

        // The default waits seconds before it tries again, and breaks the circuit for everybody. An Api that restarts
        // should cost a client that resumes no more than a moment; who follows the stream tries for ever anyway.
#pragma warning disable EXTEXP0001
        http.RemoveAllResilienceHandlers();
#pragma warning restore EXTEXP0001
        http.AddResilienceHandler("api", pipeline => pipeline
            .AddRetry(new HttpRetryStrategyOptions
            {
                MaxRetryAttempts = 4,
                Delay = TimeSpan.FromMilliseconds(150),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
            })
            .AddTimeout(TimeSpan.FromSeconds(10)));
    }
}
