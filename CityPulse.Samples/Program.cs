using System.Runtime.InteropServices;
using CityPulse.Samples;
using CityPulse.Samples.Loading;
using CityPulse.Samples.Manifest;
using CityPulse.Samples.Replay;

using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

try
{
    await RunAsync(SampleOptions.Read(args, Environment.GetEnvironmentVariable), stop.Token);
    return 0;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 0;
}
catch (Exception fault) when (fault is SampleException or FormatException or IOException or System.Text.Json.JsonException)
{
    Console.Error.WriteLine($"sample failed: {fault.Message}");
    return 1;
}

static async Task RunAsync(SampleOptions options, CancellationToken cancel)
{
    var time = TimeProvider.System;
    var started = time.GetTimestamp();
    var data = SampleData.Open();
    using var client = new HttpClient { BaseAddress = options.BaseUrl };
    var http = new PatientHttp(client, time, Console.WriteLine);
    using var session = new CitySession(http, options, time);
    var api = new CityApi(http, session);

    var city = await new SampleCity(api, data, time).EnsureAsync(cancel);
    var (loaded, current) = await new HistoryLoader(api, data, time).LoadAsync(
        city, total => new ProgressReport(Console.Out, !Console.IsOutputRedirected, total, time), cancel);
    Console.WriteLine(FormattableString.Invariant(
        $"sample loaded: {data.Manifest.Buildings.Count} buildings, {current.Count} sensors, {loaded:N0} new readings in {time.GetElapsedTime(started).TotalSeconds:0.0} s"));

    if (options.Replay)
    {
        // The replay waits out anything: a server that is down for the night is fed again in the morning.
        http.Patience = TimeSpan.MaxValue;
        await new LiveReplay(api, data, time, Console.WriteLine).RunAsync(current, cancel);
    }
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
