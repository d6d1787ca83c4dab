namespace CityPulse.AiGateway.Http;

internal static class InlineSockets
{
    /// <summary>
    /// Goes on with a request on the thread that received it, and sends on the one that wrote: a completion is many small steps and no step waits
    /// for anything on its thread, so to hand each to another thread costs more than the step.
    /// </summary>
    public static WebApplicationBuilder AddInlineSockets(this WebApplicationBuilder builder)
    {
        builder.WebHost.UseSockets(static sockets => sockets.UnsafePreferInlineScheduling = true);
        return builder;
    }
}
