using System.Diagnostics;
using System.Net;

namespace CityPulse.Bench;

/// <summary>
/// Seconds from <c>./citypulse up --no-sample</c> to ready: the edge ready, and both services behind it answering. Built
/// before; once with a fresh store and once with the store of the run before. Nothing of the developer's own data is touched.
/// </summary>
internal sealed class UpBenchmark(Goals goals)
{
    private const double MostSeconds = 15;
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"citypulse-bench-{Guid.NewGuid():N}");

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Console.WriteLine("up: from ./citypulse up --no-sample to ready");
        try
        {
            await RunAsync("building what has changed", cancellationToken);
            Delete();
            var fresh = await RunAsync("fresh store", cancellationToken);
            var warm = await RunAsync("warm store", cancellationToken);
            goals.Add($"up with a fresh store in {fresh.TotalSeconds:N1} s (at most {MostSeconds:N0})", fresh.TotalSeconds <= MostSeconds);
            goals.Add($"up with a warm store in {warm.TotalSeconds:N1} s (at most {MostSeconds:N0})", warm.TotalSeconds <= MostSeconds);
        }
        finally
        {
            Delete();
        }
    }

    private async Task<TimeSpan> RunAsync(string what, CancellationToken cancellationToken)
    {
        var port = Subject.FreePort();
        var start = Stopwatch.GetTimestamp();
        var script = Path.Combine(Subject.Repository, OperatingSystem.IsWindows() ? "citypulse.cmd" : "citypulse");
        await using var up = Subject.Start(script, new Dictionary<string, string>(), "up", "--yes", "--no-sample", "--port", $"{port}", $"--DataFolder={_folder}");
        using var client = new HttpClient { BaseAddress = new Uri($"http://localhost:{port}"), Timeout = TimeSpan.FromSeconds(5) };
        await up.UntilAsync(() => IsReadyAsync(client, cancellationToken), "CityPulse becomes ready", TimeSpan.FromMinutes(10), cancellationToken);
        var elapsed = Stopwatch.GetElapsedTime(start);
        Console.WriteLine($"  {what,-25} {elapsed.TotalSeconds,6:N1} s");
        return elapsed;
    }

    private static async Task<bool> IsReadyAsync(HttpClient client, CancellationToken cancellationToken) =>
        await PrivateStack.AnswersAsync(client, "/health/ready", cancellationToken)
        && await IsThereAsync(client, "/ws/negotiate", cancellationToken)
        && await IsThereAsync(client, "/api/v1/ai/models", cancellationToken);

    /// <summary>A service that asks for a token is up; the edge answers 502 to 504 for one that is not.</summary>
    private static async Task<bool> IsThereAsync(HttpClient client, string path, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await client.GetAsync(path, cancellationToken);
            return response.StatusCode is not (HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private void Delete()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }
}
