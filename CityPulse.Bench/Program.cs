using System.Globalization;
using CityPulse.Bench;
using CityPulse.Bench.Ai;
using CityPulse.Bench.Detector;
using CityPulse.Bench.Drills;
using CityPulse.Bench.Fanout;
using CityPulse.Bench.Forecasts;
using CityPulse.Bench.Reads;

// Callers of the gateway and the provider behind it play other machines, but share the processors with what is measured: their threads
// must not wait by spinning there. It has to be said before the first of them starts.
if (args is ["ai" or FakeProvider.Verb, ..])
{
    AppContext.SetData("System.Threading.ThreadPool.UnfairSemaphoreSpinLimit", 0);
}

if (args is [BareHub.Command, var port])
{
    await BareHub.RunAsync(int.Parse(port, CultureInfo.InvariantCulture));
    return 0;
}

if (args is [BareEndpoint.Verb, .. var rest])
{
    await BareEndpoint.RunAsync(rest);
    return 0;
}

if (args is [FakeProvider.Verb, var providerPort])
{
    await FakeProvider.RunAsync(int.Parse(providerPort, CultureInfo.InvariantCulture));
    return 0;
}

if (args is [BareProxy.Verb, var proxyPort, var upstream])
{
    await BareProxy.RunAsync(int.Parse(proxyPort, CultureInfo.InvariantCulture), upstream);
    return 0;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

if (args is [DrillProgram.Verb, .. var drills])
{
    return await DrillProgram.RunAsync(drills, stop.Token);
}

if (BenchOptions.TryParse(args, out var options) is { } complaint)
{
    Console.Error.WriteLine(complaint);
    Console.Error.WriteLine(BenchOptions.Usage);
    return 2;
}

var goals = new Goals();
try
{
    if (options.Runs("ingest"))
    {
        await new IngestBenchmark(options, goals).RunAsync(stop.Token);
    }

    if (options.Runs("query"))
    {
        await new QueryBenchmark(options, goals).RunAsync(stop.Token);
    }

    if (options.Runs("drill"))
    {
        await new Drill(options, goals).RunAsync(stop.Token);
    }

    if (options.Runs("upgrade"))
    {
        await new UpgradeDrill(options, goals).RunAsync(stop.Token);
    }

    if (options.Runs("reads"))
    {
        await new ReadsBenchmark(options, goals).RunAsync(stop.Token);
    }

    if (options.Runs("fanout"))
    {
        await new FanoutBenchmark(options, goals).RunAsync(stop.Token);
    }

    if (options.Runs("up"))
    {
        await new UpBenchmark(goals).RunAsync(stop.Token);
    }

    if (options.Runs("detector"))
    {
        DetectorReport.Print(goals);
    }

    if (options.Runs("forecast"))
    {
        ForecastReport.Print(goals);
    }

    if (options.Runs("ai"))
    {
        await new AiBenchmark(options, goals).RunAsync(stop.Token);
    }
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("stopped");
    return 130;
}
catch (BenchException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

return goals.Report() || !options.Check ? 0 : 1;
