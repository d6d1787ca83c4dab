using CityPulse.ServiceDefaults.Health;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>
/// The port that only the other services and the metrics collector reach. It is added to the public addresses, wherever those come
/// from; listening by Kestrel's options instead would silently switch them off. Where <c>Kestrel:Endpoints</c> has done that already, it
/// is an option too.
/// </summary>
internal sealed class InternalPort(IConfiguration configuration, IHostEnvironment environment, IServiceProvider services)
    : IHostedLifecycleService
{
    public const string Key = "INTERNAL_HTTP_PORT";

    private int _port = -1;

    public bool IsInternal(HttpContext context) => context.Connection.LocalPort == _port;

    /// <summary>Before the server starts: the one moment when the addresses can still be added to.</summary>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        var configured = configuration[Key];
        if (string.IsNullOrEmpty(configured))
        {
            return Task.CompletedTask;
        }

        if (!int.TryParse(configured, out _port) || _port is < 0 or > 65535)
        {
            throw new InvalidOperationException($"{Key} must be a port number, but is \"{configured}\".");
        }

        if (Addresses() is not { } feature || ListensByOptions(configuration))
        {
            return Task.CompletedTask;
        }

        if (feature.Addresses.Count == 0)
        {
            foreach (var address in PublicAddresses())
            {
                feature.Addresses.Add(address);
            }
        }

        var own = Array.FindAll([.. feature.Addresses], a => _port != 0 && BindingAddress.Parse(a).Port == _port);
        if (own.Length > 0)
        {
            throw new InvalidOperationException($"{Key} is {_port}, which is a public address too: {own[0]}.");
        }

        // On a developer's machine the neighbours in the network have no business there either.
        feature.Addresses.Add(_port == 0 ? "http://127.0.0.1:0" : $"http://{(environment.IsDevelopment() ? "localhost" : "*")}:{_port}");
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (_port == 0 && Addresses() is { Addresses.Count: > 0 } feature)
        {
            _port = BindingAddress.Parse(feature.Addresses.Last()).Port;
        }

        return Task.CompletedTask;
    }

    /// <summary>Whether the public endpoints are Kestrel's own, beside which addresses do not count.</summary>
    public static bool ListensByOptions(IConfiguration configuration) => configuration.GetSection("Kestrel:Endpoints").GetChildren().Any();

    /// <summary>What the host itself would listen on.</summary>
    private IEnumerable<string> PublicAddresses()
    {
        if (configuration["urls"] is { Length: > 0 } urls)
        {
            return Split(urls);
        }

        var ports = Split(configuration["http_ports"]).Select(port => $"http://*:{port}")
            .Concat(Split(configuration["https_ports"]).Select(port => $"https://*:{port}"))
            .ToList();
        return ports.Count > 0 ? ports : ["http://localhost:5000"];
    }

    private static string[] Split(string? list) =>
        list?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    private IServerAddressesFeature? Addresses() => services.GetService<IServer>()?.Features.Get<IServerAddressesFeature>();

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>What is internal does not exist on the public port, and the internal port serves nothing else, but for health.</summary>
internal static class InternalPortExtensions
{
    public const string InternalPath = "/internal";
    public const string MetricsPath = "/metrics";

    public static bool IsInternal(PathString path) => path.StartsWithSegments(InternalPath) || path.StartsWithSegments(MetricsPath);

    public static void UseInternalPort(this WebApplication app)
    {
        var port = app.Services.GetRequiredService<InternalPort>();
        app.Use((context, next) =>
        {
            var path = context.Request.Path;
            if (IsInternal(path) == port.IsInternal(context) || path.StartsWithSegments(HealthNames.Path))
            {
                return next(context);
            }

            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
    }
}
