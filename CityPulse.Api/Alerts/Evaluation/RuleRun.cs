using CityPulse.Api.Alerts.Domain;

namespace CityPulse.Api.Alerts.Evaluation;

/// <summary>One rule judged on one subject, from a saved state on.</summary>
internal sealed class RuleRun
{
    private const int ReadingsBetweenCheckpoints = 256;
    private readonly List<Episode> _finished = [];

    /// <param name="after">The time that <paramref name="state"/> is of; <see cref="long.MinValue"/> for the beginning.</param>
    /// <param name="state">Empty for the beginning.</param>
    public RuleRun(JudgedRule rule, Track track, long after, byte[] state, SensorTraits? traits = null)
    {
        (Rule, Track, After) = (rule, track, after);
        Machine = new EpisodeMachine(rule.Condition, track.Anchor, traits);
        if (state.Length > 0 && !Machine.TryLoad(state))
        {
            // Another version saved it: from the beginning, then.
            Machine = new EpisodeMachine(rule.Condition, track.Anchor, traits);
            After = long.MinValue;
        }

        track.HeadAt = After;
        track.SinceCheckpoint = 0;
    }

    public JudgedRule Rule { get; }

    public Track Track { get; }

    /// <summary>Readings and episodes up to here are not touched.</summary>
    public long After { get; }

    /// <summary>The first reading that it wants.</summary>
    public long From => After == long.MinValue && Track.JudgedFrom != Signal.Never
        ? Track.JudgedFrom - (long)Rule.Condition.Lessons.TotalMicroseconds
        : Math.Max(After == long.MinValue ? After : After + 1, Track.JudgedFrom);

    public EpisodeMachine Machine { get; }

    /// <summary>When it must be looked at again if no reading comes.</summary>
    public long NextDue { get; set; } = Signal.Never;

    public List<(long At, byte[] State)> Checkpoints { get; } = [];

    public void Read(in Sample sample)
    {
        if (sample.At < From)
        {
            return;
        }

        if (sample.At < Track.JudgedFrom)
        {
            Machine.Learn(sample);
            return;
        }

        Machine.Read(sample, _finished);
        Track.HeadAt = sample.At;
        if (++Track.SinceCheckpoint >= ReadingsBetweenCheckpoints)
        {
            Checkpoints.Add((sample.At, Machine.Save()));
            Track.SinceCheckpoint = 0;
        }
    }

    /// <summary>
    /// Saves the state after the last reading, and lets the time pass until now on top of it: what only the clock has raised is judged
    /// again when a reading arrives that is older than now.
    /// </summary>
    /// <returns>The episodes that ended after <see cref="After"/> or last.</returns>
    public List<Episode> Finish(long now)
    {
        Track.State = Machine.Save();
        Machine.AdvanceTo(now, _finished);
        return Machine.Open is { } open ? [.. _finished, open] : _finished;
    }
}
