using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;

namespace CityPulse.Bench.Reads;

/// <summary>
/// A hot read, <c>GET /api/v1/citypulse/buildings</c> with 50 items, authenticated, with everything on that Production has on, against a
/// bare Kestrel endpoint that answers with the same bytes. The two take turns, so that whatever else the machine does meets both; what
/// the parts cost is told by turning them off, or by asking for less, in the same turns.
/// </summary>
internal sealed class ReadsBenchmark(BenchOptions options, Goals goals)
{
    private const double LeastRatio = 0.3;
    private const int Buildings = 50;
    private const string Path = "/api/v1/citypulse/buildings";

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(4);
    private const int MostWarmUps = 12;

    /// <summary>As in Production, where every request has its line in the log.</summary>
    private static readonly Dictionary<string, string> LogOn = new() { ["Logging__LogLevel__Default"] = "Information" };

    private static readonly Dictionary<string, string> LimitsOn = new()
    {
        ["RATE_LIMITING_ENABLED"] = "true",
        ["RateLimiting__Tiers__citypulse__Permits"] = "1000000000",
        ["RateLimiting__Tiers__auth__Permits"] = "1000",
    };

    private sealed record Case(string Name, Subject Subject, LoadGenerator Load)
    {
        public double Answers { get; set; }
        public TimeSpan Processor { get; set; }
        public TimeSpan Elapsed { get; set; }
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Console.WriteLine($"reads: GET {Path}, {Buildings} items, {options.Connections} connections, {options.Rounds} rounds of {options.TurnSeconds} s each");
        await using var stack = await PrivateStack.StartAsync(cancellationToken, LimitsOn.Concat(LogOn).ToDictionary());
        try
        {
            await RunAsync(stack, cancellationToken);
        }
        catch (BenchException e)
        {
            throw new BenchException($"{e.Message}\nThe Api wrote:\n{stack.Api.Tail()}");
        }
    }

    private async Task RunAsync(PrivateStack stack, CancellationToken cancellationToken)
    {
        using var client = await stack.RegisterAsync(cancellationToken);
        for (var i = 0; i < Buildings; i++)
        {
            await PrivateStack.PostAsync(client, Path, new
            {
                name = $"Building {i:00}",
                code = $"B-{i:00}",
                use = "office",
                timeZone = "Europe/Berlin",
                floorAreaM2 = 1000 + i,
                address = new { street = $"Street {i}", city = "Berlin", postalCode = $"{10_000 + i}", country = "DE" },
                location = new { type = "Point", coordinates = new[] { 13.4 + (i / 1000.0), 52.5 } },
                tags = new[] { "bench" },
            }, cancellationToken);
        }

        using var answer = await client.GetAsync(Path, cancellationToken);
        var body = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
        var file = System.IO.Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(file, body, cancellationToken);
            var port = Subject.FreePort();
            await using var bare = Subject.StartBare(BareEndpoint.Verb, $"{port}", file);
            await bare.UntilAsync(() => bare.HasSaidAsync("ready:"), "The bare endpoint becomes ready", TimeSpan.FromMinutes(1), cancellationToken);
            (string, string) token = ("Authorization", client.DefaultRequestHeaders.Authorization!.ToString());
            Case limit = new("bare Kestrel, the same bytes", bare, new(new Uri($"http://127.0.0.1:{port}"), "/", [token], 200));
            Case whole = new("the read, everything on", stack.Api, new(stack.Address, Path, [token], 200));
            List<Case> cases = [limit, whole];
            await using var other = options.From is { } revision ? await OtherVersion.BuildAsync(revision, "CityPulse.Api", cancellationToken) : null;
            if (other is not null)
            {
                var replica = await stack.StartAnotherApiAsync(LimitsOn.Concat(LogOn).ToDictionary(), cancellationToken, other.Folder);
                cases.Add(new($"… at {other.Commit}", replica.Api, new(replica.Address, Path, [token], 200)));
            }

            if (!options.Quick)
            {
                cases.AddRange(await PartsAsync(stack, token, answer.Headers.ETag!, cancellationToken));
            }

            await MeasureAsync(cases, limit, whole, body.Length, cancellationToken);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task<Case[]> PartsAsync(
        PrivateStack stack, (string Name, string Value) token, EntityTagHeaderValue etag, CancellationToken cancellationToken)
    {
        var unlimited = await stack.StartAnotherApiAsync(LogOn, cancellationToken);
        var quiet = await stack.StartAnotherApiAsync(LimitsOn, cancellationToken);
        return
        [
            new("… without limits", unlimited.Api, new(unlimited.Address, Path, [token], 200)),
            new("… without the line in the log", quiet.Api, new(quiet.Address, Path, [token], 200)),
            new("… gzip", stack.Api, new(stack.Address, Path, [token, ("Accept-Encoding", "gzip")], 200)),
            new("… known to the reader (304)", stack.Api, new(stack.Address, Path, [token, ("If-None-Match", etag.ToString())], 304)),
            new("401: no token, so nothing read", unlimited.Api, new(unlimited.Address, Path, [], 401)),
            new("/health/live: the pipeline alone", stack.Api, new(stack.Address, "/health/live", [], 200)),
        ];
    }

    private async Task MeasureAsync(List<Case> cases, Case limit, Case whole, int bytes, CancellationToken cancellationToken)
    {
        foreach (var each in cases)
        {
            await WarmUpAsync(each, cancellationToken);
        }

        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var each in round % 2 == 0 ? cases : Enumerable.Reverse(cases))
            {
                var (answers, elapsed, processor) = await TurnAsync(each, TimeSpan.FromSeconds(options.TurnSeconds), cancellationToken);
                each.Answers += answers;
                each.Elapsed += elapsed;
                each.Processor += processor;
            }
        }

        Console.WriteLine($"  {"",-34} answers/s    ratio   µs of processor an answer   ({bytes} bytes)");
        foreach (var each in cases)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {each.Name,-34} {Rate(each),9:N0}   {Rate(each) / Rate(limit),6:N2}   {each.Processor.TotalMicroseconds / each.Answers,8:N1}"));
        }

        var ratio = Rate(whole) / Rate(limit);
        goals.Add($"hot reads at {ratio:N2} of bare Kestrel (at least {LeastRatio:N1})", ratio >= LeastRatio);

        static double Rate(Case each) => each.Answers / each.Elapsed.TotalSeconds;
    }

    /// <summary>
    /// Until an answer costs no less than it did: the just-in-time compiler works on the process's own account, and on a busy machine it
    /// takes it a minute to have its last word.
    /// </summary>
    private async Task WarmUpAsync(Case each, CancellationToken cancellationToken)
    {
        var (least, inVain) = (double.MaxValue, 0);
        for (var i = 0; i < MostWarmUps && inVain < 2; i++)
        {
            var (answers, _, processor) = await TurnAsync(each, WarmUp, cancellationToken);
            var cost = processor.TotalMicroseconds / answers;
            (least, inVain) = cost < least * 0.95 ? (cost, 0) : (Math.Min(cost, least), inVain + 1);
        }
    }

    private async Task<(double Answers, TimeSpan Elapsed, TimeSpan Processor)> TurnAsync(Case each, TimeSpan duration, CancellationToken cancellationToken)
    {
        var (before, start) = (each.Subject.ProcessorTime(), Stopwatch.GetTimestamp());
        var rate = await each.Load.RunAsync(options.Connections, duration, cancellationToken);
        var elapsed = Stopwatch.GetElapsedTime(start);
        return (rate * elapsed.TotalSeconds, elapsed, each.Subject.ProcessorTime() - before);
    }
}
