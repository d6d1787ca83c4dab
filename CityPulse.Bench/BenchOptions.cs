using System.Globalization;

namespace CityPulse.Bench;

/// <summary>What to measure, and how much of it.</summary>
internal sealed record BenchOptions
{
    public const string Usage = """
        ./citypulse bench [ingest|reads|fanout|up|detector|forecast|ai|query|drill|upgrade] [--check] [--readings 1000000] [--sensors 500] [--batch 10000] [--writers 2] [--rounds 4]
          ingest   durable readings/s over HTTP against a bare binary COPY of the same rows into an equal table
          reads    hot reads/s with everything on against a bare Kestrel endpoint that answers with the same bytes ([--connections 64], turns of [--turn 3] s);
                   [--quick]: these two alone; [--from REV]: the read of another commit as well, built and measured in the same turns
          fanout   deliveries/s to many WebSockets against a bare SignalR broadcast, and from POST to received event
                   ([--clients 2000], [--rate 30] events/s, [--load-seconds 10])
          up       seconds from ./citypulse up to ready, with a fresh store and with a warm one
          detector what the anomaly detector finds in labelled series: precision, recall, false alarms a week
          forecast day-ahead forecasts of the sample's meters from a rolling origin: MASE, WAPE, how often the band holds
          ai       the gateway in front of a fake provider, which is also called directly and through a bare YARP proxy: added latency,
                   time to the first token, answers/s, memory of 500 slow streams (turns of [--turn 3] s); [--quick]: the answers/s of gateway and proxy alone
          query    a year of hours and a month of 200 buildings, at 1, 10 and 50 million stored readings ([--rows 50000000] for fewer)
          drill    kill -9 of PostgreSQL, of the Api and of both under load for [--seconds 60]: nothing lost, nothing doubled, rollups exact
          upgrade  the version before ([--from HEAD~1], any commit) and this one side by side on one database, under load: first alone, then both,
                   then this one alone, then the old one back on the new schema; no request may fail
          --check  end with an error when a stated goal is missed
        """;

    private static readonly string[] Names = ["ingest", "reads", "fanout", "up", "detector", "forecast", "ai", "query", "drill", "upgrade"];

    /// <summary>What is run when nothing is named: what does not take long.</summary>
    private static readonly string[] Short = ["ingest", "reads", "fanout", "up", "detector", "forecast", "ai"];

    public IReadOnlyList<string> Benchmarks { get; private init; } = Short;
    public bool Check { get; private init; }
    public bool Quick { get; private init; }
    public string? From { get; private init; }
    public int Readings { get; private init; } = 1_000_000;
    public int Sensors { get; private init; } = 500;
    public int Batch { get; private init; } = 10_000;
    public int Writers { get; private init; } = 2;
    public int Rounds { get; private init; } = 4;
    public int Rows { get; private init; } = 50_000_000;
    public int Seconds { get; private init; } = 60;
    public int Connections { get; private init; } = 64;
    public int TurnSeconds { get; private init; } = 3;
    public int Clients { get; private init; } = 2_000;
    public int Rate { get; private init; } = 30;
    public int LoadSeconds { get; private init; } = 10;

    public bool Runs(string name) => Benchmarks.Contains(name);

    /// <returns>What is wrong with the arguments, or null.</returns>
    public static string? TryParse(string[] args, out BenchOptions options)
    {
        options = new BenchOptions();
        var names = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--check")
            {
                options = options with { Check = true };
            }
            else if (args[i] == "--quick")
            {
                options = options with { Quick = true };
            }
            else if (args[i] == "--from" && i + 1 < args.Length)
            {
                options = options with { From = args[++i] };
            }
            else if (Names.Contains(args[i]))
            {
                names.Add(args[i]);
            }
            else if (i + 1 < args.Length && int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
                && options.With(args[i], number) is { } changed)
            {
                options = changed;
                i++;
            }
            else
            {
                return $"'{args[i]}' is not understood.";
            }
        }

        options = options with { Benchmarks = names.Count > 0 ? names : Short };
        return !options.Runs("ingest") || (options.Readings % (options.Batch * options.Rounds) == 0 && options.Batch % options.Sensors == 0)
            ? null
            : "--readings must be a multiple of --batch times --rounds, and --batch one of --sensors.";
    }

    private BenchOptions? With(string name, int number) => name switch
    {
        "--readings" => this with { Readings = number },
        "--sensors" => this with { Sensors = number },
        "--batch" => this with { Batch = number },
        "--writers" => this with { Writers = number },
        "--rounds" => this with { Rounds = number },
        "--rows" => this with { Rows = number },
        "--connections" => this with { Connections = number },
        "--turn" => this with { TurnSeconds = number },
        "--clients" => this with { Clients = number },
        "--rate" => this with { Rate = number },
        "--load-seconds" => this with { LoadSeconds = number },
        "--seconds" => this with { Seconds = number },
        _ => null,
    };
}
