using CityPulse.ServiceDefaults.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CityPulse.ServiceDefaults.Errors;

internal static class ErrorsExtensions
{
    public static WebApplicationBuilder AddErrors(this WebApplicationBuilder builder)
    {
        // Before AddProblemDetails: the first writer that can, writes.
        builder.Services.AddSingleton<IProblemDetailsWriter, ProblemWriter>();
        builder.Services.AddProblemDetails();
        builder.Services.AddExceptionHandler<FaultHandler>();
        builder.Services.ConfigureHttpJsonOptions(options => JsonDefaults.Apply(options.SerializerOptions));

        // By default only Development tells what did not bind. It is the client's to know everywhere.
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        return builder;
    }
}
