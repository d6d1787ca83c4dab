using System.Net.Sockets;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CityPulse.AppHost.Standalone.Running;

/// <summary>Asks one resource whether it is healthy.</summary>
internal sealed class HealthProbes(IResource resource, HealthCheckService checks, HttpClient http)
{
    private readonly HashSet<string> _keys = [.. resource.Annotations.OfType<HealthCheckAnnotation>().Select(a => a.Key)];

    private readonly List<(HttpHealthCheckAnnotation Check, EndpointAnnotation Endpoint)> _paths =
        [.. resource.Annotations.OfType<HttpHealthCheckAnnotation>().Select(check => (check, EndpointOf(resource, check)))];

    /// <summary>Null when healthy, else the reason why not.</summary>
    public async Task<string?> CheckAsync(int replica, CancellationToken cancellationToken)
    {
        foreach (var (check, endpoint) in _paths)
        {
            if (await AskAsync(check, endpoint.Allocated!.TargetPorts[replica], cancellationToken) is { } problem)
            {
                return problem;
            }
        }

        if (_keys.Count == 0)
        {
            return null;
        }

        var report = await checks.CheckHealthAsync(registration => _keys.Contains(registration.Name), cancellationToken);
        if (report.Entries.Count < _keys.Count)
        {
            return $"health check {string.Join(", ", _keys.Except(report.Entries.Keys))} is not registered";
        }

        return report.Status == HealthStatus.Unhealthy
            ? string.Join("; ", report.Entries.Where(e => e.Value.Status == HealthStatus.Unhealthy)
                .Select(e => $"{e.Key}: {e.Value.Exception?.Message ?? e.Value.Description ?? "unhealthy"}"))
            : null;
    }

    private async Task<string?> AskAsync(HttpHealthCheckAnnotation check, int port, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri($"http://localhost:{port}{check.Path}"), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return (int)answer.StatusCode == check.StatusCode ? null : $"{check.Path} answers {(int)answer.StatusCode}";
        }
        catch (HttpRequestException e)
        {
            return $"{check.Path}: {(e.InnerException as SocketException)?.SocketErrorCode.ToString() ?? e.Message}";
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"{check.Path} does not answer within {http.Timeout.TotalSeconds:0} s";
        }
    }

    private static EndpointAnnotation EndpointOf(IResource resource, HttpHealthCheckAnnotation check) =>
        resource.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => check.EndpointName is null ? e.UriScheme == "http" : e.Name == check.EndpointName)
        ?? throw new DistributedApplicationException($"The health check {check.Path} of '{resource.Name}' needs an HTTP endpoint{(check.EndpointName is null ? "" : $" '{check.EndpointName}'")}.");
}
