using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace CityPulse.AppHost.Standalone.Running;

/// <summary>What a person wants to know once everything runs.</summary>
internal static class StartupTable
{
    public static string Write(DistributedApplicationModel model, IConfiguration configuration, IHostEnvironment environment, LogConsole console)
    {
        var rows = model.Resources.SelectMany(Rows).ToList();
        var text = new StringBuilder().AppendLine();
        using var self = Process.GetCurrentProcess();
        var seconds = (TimeProvider.System.GetLocalNow() - self.StartTime).TotalSeconds;
        text.AppendLine(console.Bold(string.Create(CultureInfo.InvariantCulture,
            $"{environment.ApplicationName.Replace(".AppHost", "", StringComparison.Ordinal)} is ready, {seconds:0.0} s after the start ({environment.EnvironmentName}, standalone engine)")));
        text.AppendLine();
        var name = rows.Select(r => r.Name.Length).DefaultIfEmpty().Max();
        var endpoint = rows.Select(r => r.Endpoint.Length).DefaultIfEmpty().Max();
        foreach (var row in rows)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {row.Name.PadRight(name)}  {row.Endpoint.PadRight(endpoint)}  {row.Url}");
        }

        foreach (var note in configuration.GetSection("StartupNotes").GetChildren())
        {
            text.AppendLine().Append("  ").AppendLine(note.Value?.ReplaceLineEndings(Environment.NewLine + "  "));
        }

        return text.AppendLine().AppendLine("  Ctrl+C stops everything.").ToString();
    }

    private static IEnumerable<(string Name, string Endpoint, string Url)> Rows(IResource resource)
    {
        var replicas = resource.ReplicaCount();
        var name = replicas == 1 ? resource.Name : string.Create(CultureInfo.InvariantCulture, $"{resource.Name} ×{replicas}");
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.Allocated is not null))
        {
            var address = $"{endpoint.UriScheme}://localhost:{endpoint.Allocated!.Port.ToString(CultureInfo.InvariantCulture)}";
            yield return (name, endpoint.Name, address);
            foreach (var change in resource.Annotations.OfType<UrlCallbackAnnotation>().Where(c => c.EndpointName == endpoint.Name))
            {
                var url = new ResourceUrlAnnotation { Url = address };
                change.Callback(url);
                yield return ("", url.DisplayText ?? "", url.Url.StartsWith('/') ? address + url.Url : url.Url);
            }
        }
    }
}
