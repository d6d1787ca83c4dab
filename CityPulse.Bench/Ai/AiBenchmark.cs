using System.Globalization;
using System.Security.Cryptography;
using CityPulse.Bench.Reads;

namespace CityPulse.Bench.Ai;

/// <summary>
/// The gateway's OpenAI door with authentication, limits, budgets and accounts on, in front of a fake provider; beside it the same provider
/// called directly, and through a bare YARP proxy. They take turns, so that whatever else the machine does meets all of them.
/// </summary>
internal sealed class AiBenchmark(BenchOptions options, Goals goals)
{
    private const int Connections = 32;
    private const int SlowStreams = 500;
    private const double LeastRatio = 0.5;

    /// <summary>The machine is faster for some seconds and slower for some; a ratio wants both sides in each of them.</summary>
    private const int LoadSlices = 4;
    private const double MostMegabytes = 200;
    private const string Path = "/v1/chat/completions";

    /// <summary>Until the gateway's code has been compiled for good; what is bare has far less of it.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BareWarmUp = TimeSpan.FromSeconds(5);

    private sealed record Case(string Name, Subject Server, LoadGenerator Whole, LoadGenerator Stream)
    {
        /// <summary>Microseconds of processor time an answer, of the server alone: what other programs do meanwhile changes them little.</summary>
        public List<double> ProcessorMicroseconds { get; } = [];
        public List<double> Latencies { get; } = [];
        public List<double> FirstTokens { get; } = [];
        public List<double> Rates { get; } = [];
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Console.WriteLine($"ai: completions of a fake provider, {options.Rounds} rounds of {options.TurnSeconds} s each");
        var (internalPort, internalKey) = (Subject.FreePort(), Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        await using var stack = await PrivateStack.StartAsync(cancellationToken, new Dictionary<string, string>
        {
            ["INTERNAL_HTTP_PORT"] = $"{internalPort}", ["Internal__Key"] = internalKey,
        });
        using var client = await stack.RegisterAsync(cancellationToken);
        var (providerPort, proxyPort) = (Subject.FreePort(), Subject.FreePort());
        await using var provider = await BareAsync(FakeProvider.Verb, "ready: fake provider", cancellationToken, $"{providerPort}");
        await using var proxy = await BareAsync(BareProxy.Verb, "ready: bare proxy", cancellationToken, $"{proxyPort}", $"http://127.0.0.1:{providerPort}");
        var (gateway, address) = await stack.StartGatewayAsync(internalPort, internalKey, new Dictionary<string, string>
        {
            ["RATE_LIMITING_ENABLED"] = "true",
            ["RateLimiting__Tiers__ai__Permits"] = "1000000000",
            ["Ai__AllowPrivateBaseUrls"] = "true",
            ["Ai__Providers__OpenAi__ApiKey"] = "sk-bench-key",
            ["Ai__Providers__OpenAi__BaseUrl"] = $"http://127.0.0.1:{providerPort}/v1",
            ["Ai__Providers__OpenAi__MaxConcurrentCalls"] = "1000",
            ["Ai__Providers__OpenAi__Models__0__Name"] = "fast",
            ["Ai__Providers__OpenAi__Models__0__InputPricePerMTok"] = "1",
            ["Ai__Providers__OpenAi__Models__0__OutputPricePerMTok"] = "4",
            ["Ai__Providers__OpenAi__Models__1__Name"] = "slow",
            ["Ai__Budgets__OrganizationMonthlyUsd"] = "1000000",
            ["Ai__Budgets__UserMonthlyUsd"] = "1000000",
        }, cancellationToken);
        try
        {
            (string, string) token = ("Authorization", client.DefaultRequestHeaders.Authorization!.ToString());
            var (direct, bare, whole) = (
                CaseOf("the provider itself", provider, new Uri($"http://127.0.0.1:{providerPort}"), Path, "fast", token),
                CaseOf("through a bare proxy", proxy, new Uri($"http://127.0.0.1:{proxyPort}"), Path, "fast", token),
                CaseOf("through the gateway", gateway, address, $"/api/v1/ai{Path}", "openai/fast", token));
            if (options.Quick)
            {
                await CompareAsync(bare, whole, cancellationToken);
                return;
            }

            await MeasureAsync(direct, bare, whole, cancellationToken);

            var before = gateway.PeakMegabytes();
            await CaseOf("", gateway, address, $"/api/v1/ai{Path}", "openai/slow", token).Stream.RunAsync(SlowStreams, TimeSpan.FromMilliseconds(1), cancellationToken);
            var more = gateway.PeakMegabytes() - before;
            goals.Add(string.Create(CultureInfo.InvariantCulture, $"{SlowStreams} slow streams at once take {more:N0} MB (at most {MostMegabytes:N0})"), more <= MostMegabytes);
        }
        catch (BenchException e)
        {
            throw new BenchException($"{e.Message}\nThe gateway wrote:\n{gateway.Tail()}");
        }
    }

    private async Task MeasureAsync(Case direct, Case bare, Case whole, CancellationToken cancellationToken)
    {
        Case[] cases = [direct, bare, whole];
        foreach (var each in cases)
        {
            var warmUp = each == whole ? WarmUp : BareWarmUp;
            await each.Whole.RunAsync(Connections, warmUp, cancellationToken);
            await each.Stream.RunAsync(Connections, warmUp / 2, cancellationToken);
        }

        var turn = TimeSpan.FromSeconds(options.TurnSeconds);
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var each in round % 2 == 0 ? cases : Enumerable.Reverse(cases))
            {
                each.Latencies.AddRange(await each.Whole.SampleAsync(turn, mark: null, cancellationToken));
                each.FirstTokens.AddRange(await each.Stream.SampleAsync(turn, mark: "hello", cancellationToken));
            }

            for (var slice = 0; slice < LoadSlices; slice++)
            {
                foreach (var each in slice % 2 == 0 ? cases : Enumerable.Reverse(cases))
                {
                    await LoadAsync(each, turn / LoadSlices, cancellationToken);
                }
            }
        }

        Console.WriteLine($"  {"",-22} answers/s   CPU µs     p50 ms    p99 ms   first token p50 ms");
        foreach (var each in cases)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {each.Name,-22} {each.Rates.Average(),9:N0}   {each.ProcessorMicroseconds.Average(),6:N0}   {At(each.Latencies, 0.5),8:N2}  {At(each.Latencies, 0.99),8:N2}   {At(each.FirstTokens, 0.5),18:N2}"));
        }

        AddRatio(bare, whole);
        Added("latency, p50", At(whole.Latencies, 0.5) - At(direct.Latencies, 0.5), 1);
        Added("latency, p99", At(whole.Latencies, 0.99) - At(direct.Latencies, 0.99), 5);
        Added("time to the first token, p50", At(whole.FirstTokens, 0.5) - At(direct.FirstTokens, 0.5), 2);

        void Added(string what, double milliseconds, double most) => Goal($"added {what}: {milliseconds:N2} ms (less than {most} ms)", milliseconds < most);

        void Goal(FormattableString text, bool isMet) => goals.Add(text.ToString(CultureInfo.InvariantCulture), isMet);
    }

    /// <summary>The throughput alone, for whoever changes something and wants to see what it did.</summary>
    private async Task CompareAsync(Case bare, Case whole, CancellationToken cancellationToken)
    {
        await bare.Whole.RunAsync(Connections, BareWarmUp, cancellationToken);
        await whole.Whole.RunAsync(Connections, WarmUp, cancellationToken);
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var each in (Case[])[bare, whole])
            {
                await LoadAsync(each, TimeSpan.FromSeconds(options.TurnSeconds), cancellationToken);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {each.Name,-22} {each.Rates[^1],9:N0} answers/s   {each.ProcessorMicroseconds[^1],6:N0} µs of processor an answer"));
            }
        }

        AddRatio(bare, whole);
    }

    private static async Task LoadAsync(Case each, TimeSpan turn, CancellationToken cancellationToken)
    {
        var before = each.Server.ProcessorTime();
        each.Rates.Add(await each.Whole.RunAsync(Connections, turn, cancellationToken));
        each.ProcessorMicroseconds.Add((each.Server.ProcessorTime() - before).TotalMicroseconds / (each.Rates[^1] * turn.TotalSeconds));
    }

    private void AddRatio(Case bare, Case whole)
    {
        var ratio = whole.Rates.Average() / bare.Rates.Average();
        goals.Add(string.Create(CultureInfo.InvariantCulture, $"completions at {ratio:N2} of a bare proxy (at least {LeastRatio:N1})"), ratio >= LeastRatio);
    }

    private static Case CaseOf(string name, Subject server, Uri address, string path, string model, (string, string) token)
    {
        return new Case(name, server, Load(stream: false), Load(stream: true));

        LoadGenerator Load(bool stream) => new(
            address, path, [token], 200,
            $$"""{"model":"{{model}}","max_tokens":50,"stream":{{(stream ? "true" : "false")}},"messages":[{"role":"user","content":"How much energy did the town hall use last month?"}]}""");
    }

    private static double At(List<double> samples, double share) => samples.Order().ElementAt((int)((samples.Count - 1) * share));

    private static async Task<Subject> BareAsync(string verb, string ready, CancellationToken cancellationToken, params string[] arguments)
    {
        var subject = Subject.StartBare(verb, arguments);
        await subject.UntilAsync(() => subject.HasSaidAsync(ready), $"'{verb}' becomes ready", TimeSpan.FromMinutes(1), cancellationToken);
        return subject;
    }
}
