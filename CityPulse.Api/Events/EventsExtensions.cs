using CityPulse.Api.Presence;

namespace CityPulse.Api.Events;

internal static class EventsExtensions
{
    /// <summary>The outbox and what tells it to the world.</summary>
    public static WebApplicationBuilder AddEvents(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<OutboxOptions>().BindConfiguration(OutboxOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<Outbox>();
        builder.Services.AddSingleton<OutboxSignal>();
        builder.Services.AddHostedService<OutboxDispatcher>();
        builder.Services.AddHostedService<PresenceTeller>();
        return builder;
    }
}
