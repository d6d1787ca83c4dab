using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Readings.Ingest;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Alerts.Evaluation;

/// <summary>
/// Judges what is new in one building: takes its work, runs every rule from the saved state before the earliest change over the stored
/// readings, and reconciles the alerts with the episodes that come out, all in the caller's transaction. If that fails anywhere, the work
/// is still there; if it is done twice, the second time finds nothing to change.
/// </summary>
internal sealed class BuildingEvaluation(
    CityDb db, EvaluationStore store, AlertReconciler reconciler, BudgetEvaluation budgets, RuleCache cache, AlertJournal journal,
    IOptions<AlertOptions> options, TimeProvider clock)
{
    /// <summary>A rule on a subject, with the earliest change that concerns it.</summary>
    private sealed record Assignment(JudgedRule Rule, Subject Subject, IReadOnlyList<WorkItem> Items, long Created, Func<Task<long>> Newest);

    private readonly List<(Guid Subject, long NextDue, byte[] Tracks)> _tracks = [];
    private readonly List<(Guid Subject, Track Track, long At, byte[] State)> _checkpoints = [];

    /// <returns>False when another evaluator has the building.</returns>
    public async Task<bool> RunAsync(Guid buildingId, CancellationToken cancellationToken)
    {
        journal.Reset();
        _tracks.Clear();
        _checkpoints.Clear();
        if (await store.TryLockAsync(buildingId, cancellationToken) is not var (version, databaseNow))
        {
            return false;
        }

        var work = await store.TakeWorkAsync(buildingId, cancellationToken);
        var now = Timestamp.FromDateTimeOffset(AlertClock.Trusted(clock.GetUtcNow(), databaseNow, TimeSpan.FromSeconds(options.Value.ClockToleranceSeconds)));
        var sensors = await db.Sensors.AsNoTracking().Where(s => s.BuildingId == buildingId)
            .Select(s => new WatchedSensor(s.Id, s.Key, s.BuildingId, s.Name, s.Quantity, s.Unit, s.Tags, s.CreatedAt))
            .ToDictionaryAsync(s => s.Id, cancellationToken);
        var rules = await cache.GetAsync(
            db.OrganizationId, version,
            async () => (await db.Set<AlertRule>().AsNoTracking().Where(r => r.Enabled).OrderBy(r => r.Id).ToListAsync(cancellationToken)).ConvertAll(JudgedRule.Of));
        await store.ForwardAsync([.. work.Where(w => w.SensorId is { } id && !sensors.ContainsKey(id))], cancellationToken);

        var items = work.Where(w => w.SensorId is { } id && sensors.ContainsKey(id)).ToLookup(w => w.SensorId!.Value);
        var due = await store.DueAsync(buildingId, now, cancellationToken);
        var wanted = sensors.Values.Where(s => items.Contains(s.Id) || due.Contains(s.Id)).ToDictionary(s => s.Id, _ => Signal.Never);
        var silences = await JudgeBuildingAsync(buildingId, rules, sensors.Values, items, due, wanted, now, cancellationToken);
        await JudgeSensorsAsync([.. wanted.Keys.Select(id => sensors[id])], rules, items, silences, wanted, now, cancellationToken);
        await JudgeBudgetsAsync(buildingId, rules.FindAll(r => r.Condition is EnergyBudgetCondition), sensors.Values, items, due, now, cancellationToken);
        await store.SaveAsync(buildingId, _tracks, _checkpoints, cancellationToken);
        await journal.SaveAsync(cancellationToken);
        return true;
    }

    /// <summary>Silence of the building as a whole, which explains that of its sensors.</summary>
    /// <returns>By rule, the times in which the building is silent.</returns>
    private async Task<Dictionary<Guid, List<TimeSlot>>> JudgeBuildingAsync(
        Guid buildingId, List<JudgedRule> rules, IReadOnlyCollection<WatchedSensor> sensors, ILookup<Guid, WorkItem> items,
        List<Guid> due, Dictionary<Guid, long> wanted, long now, CancellationToken cancellationToken)
    {
        var groups = rules.Where(r => r.IsAboutSilence)
            .Select(r => (Rule: r, Sensors: sensors.Where(r.Covers).ToList())).Where(g => g.Sensors.Count > 1).ToList();
        var known = (await store.TracksAsync([buildingId], cancellationToken)).GetValueOrDefault(buildingId) ?? [];
        var left = known.Keys.Except(groups.Select(g => g.Rule.Id)).ToList();
        await LeaveAsync(buildingId, left, "The rule no longer covers several sensors of the building.", cancellationToken);
        var slots = new Dictionary<Guid, List<TimeSlot>>();
        if (groups.Count == 0 && left.Count == 0)
        {
            return slots;
        }

        if (left.Count > 0 || due.Contains(buildingId) || groups.Exists(g => g.Sensors.Exists(s => wanted.ContainsKey(s.Id))))
        {
            var name = await db.Buildings.Where(b => b.Id == buildingId).Select(b => b.Name).SingleAsync(cancellationToken);
            var subject = Subject.OfBuilding(buildingId, name);
            var assignments = groups.ConvertAll(g => new Assignment(
                g.Rule, subject, [.. g.Sensors.SelectMany(s => items[s.Id])], long.MinValue, () => NewestAsync(g.Sensors, cancellationToken)));
            var runs = await BeginAsync(subject, assignments, known, Signal.Never, cancellationToken);
            foreach (var (run, group) in runs.Zip(groups))
            {
                await store.ReadTimesAsync([.. group.Sensors.Select(s => s.Key)], run.From, s => run.Read(s), cancellationToken);
            }

            var stored = await reconciler.LoadAsync([buildingId], runs.Select(r => r.After).DefaultIfEmpty(Signal.Never).Min(), cancellationToken);
            foreach (var (run, group) in runs.Zip(groups))
            {
                var changedFrom = await FinishAsync(subject, run, [], stored, now, cancellationToken);
                foreach (var sensor in changedFrom == Signal.Never ? [] : group.Sensors)
                {
                    wanted[sensor.Id] = Math.Min(wanted.GetValueOrDefault(sensor.Id, Signal.Never), changedFrom);
                }
            }

            Keep(subject, runs);
            // So that the sensors are judged by what the building's alerts say now.
            await journal.SaveAsync(cancellationToken);
        }

        foreach (var silence in await db.Set<Alert>().AsNoTracking()
            .Where(a => a.SubjectId == buildingId && !a.IsDetached).Select(a => new { a.RuleId, a.Revision, a.RaisedAt, a.ClearedAt }).ToListAsync(cancellationToken))
        {
            if (groups.Exists(g => g.Rule.Id == silence.RuleId && g.Rule.Revision == silence.Revision))
            {
                slots.TryAdd(silence.RuleId, []);
                slots[silence.RuleId].Add(new TimeSlot(
                    Timestamp.FromDateTimeOffset(silence.RaisedAt), silence.ClearedAt is { } at ? Timestamp.FromDateTimeOffset(at) : Signal.Never));
            }
        }

        return slots;
    }

    private async Task JudgeBudgetsAsync(
        Guid buildingId, List<JudgedRule> rules, IReadOnlyCollection<WatchedSensor> sensors, ILookup<Guid, WorkItem> items, List<Guid> due, long now,
        CancellationToken cancellationToken)
    {
        foreach (var (clock, nextDue) in await budgets.RunAsync(buildingId, rules, sensors, items, due, now, cancellationToken))
        {
            _tracks.Add((clock, nextDue, Track.Save([])));
        }

        // What is due and belongs to nothing any more (the budget of a rule that is gone) rings no more.
        var known = _tracks.Select(t => t.Subject).ToHashSet();
        _tracks.AddRange(due.Where(id => !known.Contains(id)).Select(id => (id, Signal.Never, Track.Save([]))));
    }

    private async Task JudgeSensorsAsync(
        List<WatchedSensor> sensors, List<JudgedRule> rules, ILookup<Guid, WorkItem> items, Dictionary<Guid, List<TimeSlot>> silences,
        Dictionary<Guid, long> wanted, long now, CancellationToken cancellationToken)
    {
        if (sensors.Count == 0)
        {
            return;
        }

        var zoneName = await db.Buildings.Where(b => b.Id == sensors[0].BuildingId).Select(b => b.TimeZone).SingleAsync(cancellationToken);
        var zone = TimeZoneInfo.FindSystemTimeZoneById(zoneName);
        var tracks = await store.TracksAsync([.. sensors.Select(s => s.Id)], cancellationToken);
        var subjects = new List<(Subject Subject, List<RuleRun> Runs)>();
        foreach (var sensor in sensors)
        {
            var subject = Subject.Of(sensor, zone);
            var known = tracks.GetValueOrDefault(sensor.Id) ?? [];
            var covering = rules.Where(r => r.Condition is not EnergyBudgetCondition && r.Covers(sensor)).ToList();
            await LeaveAsync(sensor.Id, [.. known.Keys.Except(covering.Select(r => r.Id))], "The rule no longer covers the sensor.", cancellationToken);
            var assignments = covering.ConvertAll(r => new Assignment(
                r, subject, [.. items[sensor.Id]], Timestamp.FromDateTimeOffset(sensor.CreatedAt), () => NewestAsync([sensor], cancellationToken)));
            subjects.Add((subject, await BeginAsync(subject, assignments, known, wanted[sensor.Id], cancellationToken)));
        }

        var reads = subjects.Where(s => s.Runs.Exists(r => r.From != Signal.Never)).ToList();
        var keys = sensors.ToDictionary(s => s.Id, s => s.Key);
        await store.ReadAsync(
            [.. reads.Select(s => (keys[s.Subject.Id], s.Runs.Min(r => r.From)))],
            (index, sample) => reads[index].Runs.ForEach(run => run.Read(sample)),
            cancellationToken);

        var after = subjects.SelectMany(s => s.Runs).Select(r => r.After).DefaultIfEmpty(Signal.Never).Min();
        var stored = after == Signal.Never ? [] : await reconciler.LoadAsync([.. sensors.Select(s => s.Id)], after, cancellationToken);
        var bySubject = stored.ToLookup(a => a.SubjectId);
        foreach (var (subject, runs) in subjects)
        {
            foreach (var run in runs)
            {
                await FinishAsync(subject, run, silences.GetValueOrDefault(run.Rule.Id) ?? [], bySubject[subject.Id], now, cancellationToken);
            }

            Keep(subject, runs);
        }
    }

    /// <summary>Chooses for every rule where it goes on from: its last state, an earlier one, or the beginning.</summary>
    private async Task<List<RuleRun>> BeginAsync(
        Subject subject, List<Assignment> assignments, Dictionary<Guid, Track> known, long changedFrom, CancellationToken cancellationToken)
    {
        var runs = new List<RuleRun>();
        foreach (var assignment in assignments)
        {
            var (rule, items) = (assignment.Rule, assignment.Items);
            var earliest = items.Where(w => w.RuleId is null).Select(w => w.Earliest).DefaultIfEmpty(Signal.Never).Min();
            var again = items.Where(w => w.RuleId == rule.Id && w.Revision is null).Select(w => w.Earliest).Append(changedFrom).Min();
            if (known.GetValueOrDefault(rule.Id) is not { } track || track.Revision != rule.Revision)
            {
                track = await NewTrackAsync(assignment);
                await store.ForgetCheckpointsAsync(subject.Id, rule.Id, long.MinValue, cancellationToken);
                runs.Add(new RuleRun(rule, track, long.MinValue, [], subject.Traits));
                continue;
            }

            var isEarlier = Math.Max(earliest, track.Floor) < track.JudgedFrom && earliest != Signal.Never;
            track.JudgedFrom = isEarlier ? Math.Max(earliest, track.Floor) : track.JudgedFrom;
            var before = Math.Min(earliest, again);
            if (track.HeadAt < before && !isEarlier)
            {
                var (since, head) = (track.SinceCheckpoint, track.HeadAt);
                runs.Add(new RuleRun(rule, track, head, track.State, subject.Traits));
                track.SinceCheckpoint = since;
                continue;
            }

            await store.ForgetCheckpointsAsync(subject.Id, rule.Id, isEarlier ? long.MinValue : before, cancellationToken);
            var checkpoint = isEarlier ? null : await store.CheckpointAsync(subject.Id, track, before, cancellationToken);
            runs.Add(new RuleRun(rule, track, checkpoint?.At ?? long.MinValue, checkpoint?.State ?? [], subject.Traits));
        }

        return runs;
    }

    private static async Task<Track> NewTrackAsync(Assignment assignment)
    {
        var rule = assignment.Rule;
        var starts = assignment.Items.Where(w => w.RuleId == rule.Id && w.Revision == rule.Revision).ToList();
        var since = starts.Select(w => w.Id).DefaultIfEmpty(long.MinValue).Max();
        // Of a building that is the newest of all its sensors' readings.
        var newest = starts.Count == 0 ? await assignment.Newest() : starts.Select(w => w.Earliest).Where(e => e != Signal.Never).DefaultIfEmpty(Signal.Never).Max();
        var floor = starts.Count > 0 && rule.Revision > 1 && newest != Signal.Never ? newest : long.MinValue;
        var later = assignment.Items.Where(w => w.RuleId is null && w.Id > since).Select(w => w.Earliest).DefaultIfEmpty(Signal.Never).Min();
        return new Track
        {
            RuleId = rule.Id,
            Revision = rule.Revision,
            JudgedFrom = Math.Max(Math.Min(newest, later), floor),
            Floor = floor,
            Anchor = Math.Max(Timestamp.FromDateTimeOffset(rule.Rule.JudgedSince), assignment.Created),
        };
    }

    private async Task LeaveAsync(Guid subject, List<Guid> rules, string why, CancellationToken cancellationToken)
    {
        foreach (var rule in rules)
        {
            await reconciler.RetireAsync(subject, rule, why, cancellationToken);
            await store.ForgetCheckpointsAsync(subject, rule, long.MinValue, cancellationToken);
        }
    }

    private async Task<long> NewestAsync(IEnumerable<WatchedSensor> sensors, CancellationToken cancellationToken)
    {
        var newest = long.MinValue;
        foreach (var sensor in sensors)
        {
            newest = Math.Max(newest, await store.NewestReadingAsync(sensor.Key, cancellationToken) ?? long.MinValue);
        }

        return newest == long.MinValue ? Signal.Never : newest;
    }

    private async Task<long> FinishAsync(
        Subject subject, RuleRun run, List<TimeSlot> explained, IEnumerable<Alert> stored, long now, CancellationToken cancellationToken)
    {
        var told = Silencing.Apply(run.Finish(now), run.Rule.Maintenance, explained).Where(e => e.ClearedAt > run.After).ToList();
        run.NextDue = Math.Min(run.Machine.Due, told.Where(e => e.RaisedAt > now).Select(e => e.RaisedAt).DefaultIfEmpty(Signal.Never).Min());
        return await reconciler.ReconcileAsync(run.Rule, subject, told.FindAll(e => e.RaisedAt <= now), stored, run.After, cancellationToken);
    }

    private void Keep(Subject subject, List<RuleRun> runs)
    {
        _tracks.Add((subject.Id, runs.Select(r => r.NextDue).DefaultIfEmpty(Signal.Never).Min(), Track.Save([.. runs.Select(r => r.Track)])));
        _checkpoints.AddRange(runs.SelectMany(r => r.Checkpoints.Select(c => (subject.Id, r.Track, c.At, c.State))));
    }
}
