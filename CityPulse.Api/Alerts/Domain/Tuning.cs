namespace CityPulse.Api.Alerts.Domain;

/// <summary>A deadband and an on-delay that would have made a limit's alerts fewer and no less true.</summary>
internal readonly record struct Suggestion(double? Hysteresis, int? ForSeconds);

/// <summary>
/// Tries deadbands and delays on the history itself, with the machine that runs live. A suggestion must save a third of the alerts and
/// keep nearly all of the time in alarm: one that hides true alerts is none, and neither is one that bridges true pauses.
/// </summary>
internal static class Tuning
{
    private const double WorthWhile = 2.0 / 3;
    private const double KeepsOfTheTime = 0.9;
    private const double AddsToTheTime = 1.1;
    private const long ShortPause = 300_000_000;
    private static readonly int[] DelaysSeconds = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800];
    private static readonly double[] Steps = [0.5, 0.75, 0.9, 0.95, 0.99];

    public static Suggestion Of(ThresholdCondition condition, IReadOnlyList<Sample> samples, long until)
    {
        var now = Run(condition, samples, until);
        if (now.Alerts < 3)
        {
            return default;
        }

        double? hysteresis = Deadbands(samples).Select(h => (double?)h)
            .FirstOrDefault(h => h > condition.Hysteresis && IsBetter(condition with { Hysteresis = h!.Value }));
        int? delay = DelaysSeconds.Select(s => (int?)s)
            .FirstOrDefault(s => s > condition.Delays.OnSeconds && IsBetter(condition with { Delays = condition.Delays with { OnSeconds = s!.Value } }));
        return new Suggestion(hysteresis, delay);

        bool IsBetter(ThresholdCondition candidate)
        {
            var then = Run(candidate, samples, until);
            return then.Alerts <= now.Alerts * WorthWhile
                && then.Microseconds >= now.Microseconds * KeepsOfTheTime
                && then.Microseconds <= (now.Microseconds + now.ShortPauses) * AddsToTheTime;
        }
    }

    /// <summary>How far the value usually goes from one reading to the next: a deadband has to be wider than the noise.</summary>
    private static IEnumerable<double> Deadbands(IReadOnlyList<Sample> samples)
    {
        var steps = samples.Skip(1).Select((s, i) => Math.Abs(s.Value - samples[i].Value)).Where(s => s > 0).Order().ToArray();
        return steps.Length == 0 ? [] : Steps.Select(q => Round(steps[(int)((steps.Length - 1) * q)])).Distinct();
    }

    /// <summary>Two significant digits, upwards: nobody sets a deadband of 0.4871.</summary>
    private static double Round(double value)
    {
        var unit = Math.Pow(10, Math.Floor(Math.Log10(value)) - 1);
        return Math.Round(Math.Ceiling((value / unit) - 1e-9) * unit, 12);
    }

    private static (int Alerts, long Microseconds, long ShortPauses) Run(ThresholdCondition condition, IReadOnlyList<Sample> samples, long until)
    {
        var machine = new EpisodeMachine(condition);
        var episodes = new List<Episode>();
        foreach (var sample in samples)
        {
            machine.Read(sample, episodes);
        }

        machine.AdvanceTo(until, episodes);
        if (machine.Open is { } open)
        {
            episodes.Add(open with { ClearedAt = until });
        }

        var pauses = episodes.Skip(1).Select((e, i) => e.RaisedAt - episodes[i].ClearedAt).Where(pause => pause < ShortPause).Sum();
        return (episodes.Count, episodes.Sum(e => e.ClearedAt - e.RaisedAt), pauses);
    }
}
