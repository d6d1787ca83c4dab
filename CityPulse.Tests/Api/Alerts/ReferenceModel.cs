namespace CityPulse.Tests.Api.Alerts;

/// <summary>
/// Alerts as a patient clerk would keep them: the whole history of a sensor walked through second by second, every time anew. Nothing here
/// is shared with the product. Times are seconds.
/// </summary>
internal sealed class ReferenceModel(int sensors)
{
    internal enum Kind
    {
        Limit,
        Rate,
        Silence,
        LimitOrRate,
    }

    internal sealed class Rule(Kind kind, int? onlySensor = null)
    {
        public Kind Kind => kind;
        public int? OnlySensor => onlySensor;
        public double Limit { get; set; } = 60;
        public double Deadband { get; init; }
        public int On { get; init; }
        public int Off { get; init; }
        public double Change { get; init; } = 40;
        public int Window { get; init; } = 60;
        public int After { get; init; } = 300;
        public bool Enabled { get; set; } = true;
        public int Revision { get; set; }
        public int Since { get; set; }
    }

    internal sealed class Told
    {
        public required int Rule { get; init; }
        public required int Sensor { get; init; }
        public required int Revision { get; init; }
        public int Raised { get; set; }
        public int? Cleared { get; set; }
        public double? Value { get; set; }
        public int Occurrences { get; set; }
        public bool Active { get; set; } = true;
        public bool Acknowledged { get; set; }
        public bool Settled { get; set; }
        public bool Detached { get; set; }
        public bool Withdrawn { get; set; }
        public int? ShelvedUntil { get; set; }
        public List<string> History { get; } = ["raised"];

        public string State => Settled || (!Active && Acknowledged) ? "closed"
            : !Active ? "cleared_unacknowledged"
            : Acknowledged ? "acknowledged" : "unacknowledged";

        public override string ToString() =>
            FormattableString.Invariant($"rule {Rule}.{Revision} sensor {Sensor}: {Raised}..{Cleared} {State} value {Value} × {Occurrences} shelf {ShelvedUntil} withdrawn {Withdrawn} [{string.Join(' ', History)}]");
    }

    private sealed record Found(int Raised, int? Cleared, double? Value, int Occurrences);

    private readonly SortedDictionary<int, double>[] _readings = [.. Enumerable.Range(0, sensors).Select(_ => new SortedDictionary<int, double>())];
    private readonly Dictionary<(int Rule, int Sensor), (int? From, int? Floor)> _judged = [];

    public List<Rule> Rules { get; } = [];

    public List<Told> Alerts { get; } = [];

    public IReadOnlyDictionary<int, double> ReadingsOf(int sensor) => _readings[sensor];

    public void Add(Rule rule, int now)
    {
        Rules.Add(rule);
        Begin(Rules.Count - 1, now);
    }

    public void Store(int sensor, IEnumerable<(int At, double Value)> readings)
    {
        int? earliest = null;
        foreach (var (at, value) in readings)
        {
            if (!_readings[sensor].TryGetValue(at, out var stored) || stored != value)
            {
                earliest = Math.Min(earliest ?? int.MaxValue, at);
                _readings[sensor][at] = value;
            }
        }

        for (var rule = 0; earliest is not null && rule < Rules.Count; rule++)
        {
            if (_judged.TryGetValue((rule, sensor), out var judged) && !(judged.From <= earliest))
            {
                _judged[(rule, sensor)] = judged with { From = Math.Max(earliest.Value, judged.Floor ?? int.MinValue) };
            }
        }
    }

    /// <summary>Another limit, or off, or on again.</summary>
    public void Edit(int index, double limit, bool enabled, int now)
    {
        var rule = Rules[index];
        var judgesOtherwise = rule.Limit != limit || (enabled && !rule.Enabled);
        if (!judgesOtherwise && enabled == rule.Enabled)
        {
            return;
        }

        (rule.Limit, rule.Enabled) = (limit, enabled);
        foreach (var alert in Alerts.Where(a => a.Rule == index && !a.Detached && (a.State != "closed" || a.Active)))
        {
            if (alert.State != "closed")
            {
                alert.History.Add("retired");
                (alert.Active, alert.Settled, alert.ShelvedUntil) = (false, true, null);
            }

            alert.Detached = true;
        }

        if (judgesOtherwise)
        {
            Begin(index, now);
        }
    }

    /// <returns>Whether it is possible.</returns>
    public static bool Act(Told alert, string act, int now)
    {
        var isPossible = act switch
        {
            "acknowledge" => alert.State is "unacknowledged" or "cleared_unacknowledged",
            "comment" => true,
            "shelve" => alert.State != "closed" && alert.ShelvedUntil is null,
            "unshelve" => alert.ShelvedUntil is not null,
            "close" => alert.State != "closed",
            _ => throw new ArgumentOutOfRangeException(nameof(act)),
        };
        if (isPossible)
        {
            alert.Acknowledged |= act == "acknowledge";
            alert.Settled |= act == "close";
            alert.ShelvedUntil = act switch { "shelve" => now + 600, "unshelve" or "close" => null, _ => alert.ShelvedUntil };
            alert.History.Add(act switch { "acknowledge" => "acknowledged", "comment" => "commented", "close" => "closed", _ => act + "d" });
        }

        return isPossible;
    }

    public void Judge(int now)
    {
        foreach (var alert in Alerts.Where(a => a.ShelvedUntil <= now))
        {
            alert.ShelvedUntil = null;
            alert.History.Add("unshelved");
        }

        for (var rule = 0; rule < Rules.Count; rule++)
        {
            for (var sensor = 0; sensor < sensors && Rules[rule].Enabled; sensor++)
            {
                if ((Rules[rule].OnlySensor ?? sensor) == sensor)
                {
                    Reconcile(rule, sensor, Walk(Rules[rule], sensor, _judged[(rule, sensor)].From, now), now);
                }
            }
        }
    }

    private void Begin(int index, int now)
    {
        var rule = Rules[index];
        rule.Revision++;
        rule.Since = now;
        for (var sensor = 0; sensor < sensors; sensor++)
        {
            int? newest = _readings[sensor].Count == 0 ? null : _readings[sensor].Keys.Max();
            _judged[(index, sensor)] = (newest, rule.Revision > 1 ? newest : null);
        }
    }

    private List<Found> Walk(Rule rule, int sensor, int? from, int now)
    {
        var found = new List<Found>();
        if (from is null && rule.Kind != Kind.Silence)
        {
            return found;
        }

        var seen = new List<(int At, double Value)>();
        var (latch, rate, delayed, wasBeyond, lastSign) = (false, false, false, false, rule.Since);
        int? differsSince = null;
        (int At, double? Value, int Count)? open = null;
        for (var t = Math.Min(from ?? int.MaxValue, rule.Since); t <= now; t++)
        {
            if (t >= from && _readings[sensor].TryGetValue(t, out var value))
            {
                latch = value > rule.Limit || (latch && value > rule.Limit - rule.Deadband);
                rate = Changes(seen, t, value, rule) > rule.Change;
                seen.Add((t, value));
                lastSign = t;
            }

            var isBeyondLimit = seen.Count > 0 && seen[^1].Value > rule.Limit;
            var (isOn, isBeyond) = rule.Kind switch
            {
                Kind.Limit => (latch, isBeyondLimit),
                Kind.Rate => (rate, rate),
                Kind.Silence => (t >= lastSign + rule.After, t >= lastSign + rule.After),
                _ => (latch || rate, isBeyondLimit || rate),
            };
            differsSince = isOn == delayed ? null : differsSince ?? t;
            if (differsSince is { } since && t - since >= (delayed ? rule.Off : rule.On))
            {
                (delayed, differsSince) = (isOn, null);
            }

            if (delayed && open is null)
            {
                open = (t, seen.Count > 0 ? seen[^1].Value : null, 1);
            }
            else if (!delayed && open is { } over)
            {
                found.Add(new Found(over.At, t, over.Value, over.Count));
                open = null;
            }
            else if (open is { } going && isBeyond && !wasBeyond)
            {
                open = going with { Count = going.Count + 1 };
            }

            wasBeyond = isBeyond;
        }

        if (open is { } lasting)
        {
            found.Add(new Found(lasting.At, null, lasting.Value, lasting.Count));
        }

        return found;
    }

    private static double Changes(List<(int At, double Value)> seen, int at, double value, Rule rule)
    {
        var change = -1.0;
        for (var i = seen.Count - 1; i >= 0 && seen[i].At >= at - rule.Window; i--)
        {
            change = Math.Max(change, Math.Abs(value - seen[i].Value));
        }

        return change >= 0 ? change
            : seen.Count > 0 ? Math.Abs(value - seen[^1].Value) * rule.Window / (at - seen[^1].At)
            : 0;
    }

    private void Reconcile(int rule, int sensor, List<Found> found, int now)
    {
        var shelf = Alerts.Where(a => a.Rule == rule && a.Sensor == sensor && a.ShelvedUntil > now).Max(a => a.ShelvedUntil);
        var kept = Alerts.Where(a => a.Rule == rule && a.Sensor == sensor && a.Revision == Rules[rule].Revision && !a.Detached).OrderBy(a => a.Raised).ToList();
        var free = found.ToList();
        var pairs = new Dictionary<Told, Found>();
        foreach (var alert in kept)
        {
            Pair(alert, free.Find(f => f.Raised == alert.Raised));
        }

        foreach (var alert in kept.Where(a => !pairs.ContainsKey(a)))
        {
            Pair(alert, free.Find(f => f.Raised < (alert.Cleared ?? int.MaxValue) && alert.Raised < (f.Cleared ?? int.MaxValue)));
        }

        foreach (var alert in kept)
        {
            if (pairs.TryGetValue(alert, out var episode))
            {
                Follow(alert, episode);
            }
            else
            {
                (alert.Active, alert.Settled, alert.ShelvedUntil, alert.Detached, alert.Withdrawn) = (false, true, null, true, true);
                alert.History.Add("withdrawn");
            }
        }

        foreach (var episode in free)
        {
            var alert = new Told
            {
                Rule = rule, Sensor = sensor, Revision = Rules[rule].Revision, Raised = episode.Raised, Value = episode.Value, Occurrences = episode.Occurrences,
            };
            if (episode.Cleared is not null)
            {
                (alert.Cleared, alert.Active) = (episode.Cleared, false);
                alert.History.Add("cleared");
            }
            else if (shelf is not null)
            {
                alert.ShelvedUntil = shelf;
                alert.History.Add("shelved");
            }

            Alerts.Add(alert);
        }

        void Pair(Told alert, Found? episode)
        {
            if (episode is not null)
            {
                pairs[alert] = episode;
                free.Remove(episode);
            }
        }
    }

    private static void Follow(Told alert, Found episode)
    {
        if (alert.Raised != episode.Raised || alert.Value != episode.Value)
        {
            alert.History.Add("corrected");
        }

        var cleared = alert.Cleared;
        (alert.Raised, alert.Value, alert.Occurrences, alert.Cleared) = (episode.Raised, episode.Value, episode.Occurrences, episode.Cleared);
        if (cleared is null && episode.Cleared is not null)
        {
            alert.Active = false;
            alert.History.Add("cleared");
        }
        else if (cleared is not null && episode.Cleared is null)
        {
            (alert.Active, alert.Acknowledged) = (true, alert.Settled && alert.Acknowledged);
            alert.History.Add("raised");
        }
        else if (cleared != episode.Cleared)
        {
            alert.History.Add("corrected");
        }
    }
}
