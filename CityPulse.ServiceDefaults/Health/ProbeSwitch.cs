using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace CityPulse.ServiceDefaults.Health;

/// <summary>
/// <c>--Probe:Path=/health/ready</c>: the program serves nothing, but asks the service in the same container, and ends with 0 or 1. For
/// container engines whose health checks are commands, since the images have neither a shell nor curl.
/// </summary>
internal static class ProbeSwitch
{
    private const string Key = "Probe:Path";
    private const int DefaultPort = 8080;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    public static void EndIfAsked(IConfiguration configuration)
    {
        if (configuration[Key] is { Length: > 0 } path)
        {
            Environment.Exit(IsHealthy(Address(configuration["http_ports"], path)) ? 0 : 1);
        }
    }

    /// <param name="ports">The public ports of the service, of which the first is asked.</param>
    internal static Uri Address(string? ports, string path) =>
        new($"http://127.0.0.1:{(int.TryParse(ports?.Split(';')[0], CultureInfo.InvariantCulture, out var port) ? port : DefaultPort)}{path}");

    internal static bool IsHealthy(Uri address)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Longest };
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            using var response = client.Send(request);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            Console.Error.WriteLine($"{address} does not answer: {e.Message}");
            return false;
        }
    }
}
