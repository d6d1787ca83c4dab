using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Chat.Domain;

/// <summary>
/// Looks for the numbers of an answer in what tools gave. A number may be rounded, in another power of its unit, a percentage of a share,
/// or the sum, difference or change of two figures of one kind; whatever else is in the answer came from nowhere.
/// </summary>
internal static partial class NumberCheck
{
    /// <summary>A number may be off by so much where it ends in zeros, as "about 1,200" does.</summary>
    private const double RoundedShare = 0.01;

    /// <summary>More figures of one kind than this are not combined with each other.</summary>
    private const int MostPaired = 60;

    /// <param name="asked">The question, whose numbers may be repeated.</param>
    /// <param name="given">Arguments and results of the tools.</param>
    /// <returns>The numbers that nobody gave, in their order, each once.</returns>
    public static IReadOnlyList<double> Unverified(string answer, string asked, IEnumerable<JsonElement> given)
    {
        var text = Blank(answer, Passages());
        var numbers = Number().Matches(text);
        if (numbers.Count == 0)
        {
            return [];
        }

        var facts = new Facts();
        facts.AddText(asked);
        foreach (var json in given)
        {
            facts.Add("", json);
        }

        facts.Combine(shown: Bullet().Count(answer));
        var unverified = new List<double>();
        foreach (var match in numbers.Cast<Match>())
        {
            var readings = Read(match.Value);
            var unit = Unit().Match(text, match.Index + match.Length).Groups["unit"].Value;
            if (readings.Count > 0 && !IsYear(match.Value, unit) && !readings.Exists(r => facts.Has(r, unit)) && !unverified.Contains(readings[0].Value))
            {
                unverified.Add(readings[0].Value);
            }
        }

        return unverified;
    }

    /// <summary>A number as it may have been meant: a comma parts thousands or decimals, a point too.</summary>
    /// <param name="Step">What its last digit stands for.</param>
    /// <param name="Coarse">The same without its zeros at the end; 0 where it has decimals.</param>
    private readonly record struct Reading(double Value, double Step, double Coarse);

    private static List<Reading> Read(string text)
    {
        var readings = new List<Reading>(2);
        foreach (var (thousands, point) in ((char, char)[])[(',', '.'), ('.', ',')])
        {
            var parts = text.Split(point);
            var whole = parts[0].Split(thousands, ' ', ' ', ' ');
            if (parts.Length > 2 || whole.Skip(1).Any(w => w.Length != 3) || whole[0].Length == 0 || (parts.Length == 2 && !parts[1].All(char.IsAsciiDigit)))
            {
                continue;
            }

            var digits = string.Concat(whole);
            var decimals = parts.Length == 2 ? parts[1] : "";
            if (double.TryParse($"{digits}.{decimals}0", NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
            {
                var coarse = decimals.Length > 0 ? 0 : Math.Pow(10, digits.Length - digits.TrimEnd('0').Length);
                readings.Add(new Reading(value, Math.Pow(10, -decimals.Length), coarse));
            }
        }

        return readings;
    }

    private static bool IsYear(string text, string unit) => unit.Length == 0 && text.Length == 4 && text[..2] is "19" or "20" && text.All(char.IsAsciiDigit);

    private static string Blank(string text, Regex what) => what.Replace(text, match => new string(' ', match.Length));

    /// <summary>All that an answer may draw on.</summary>
    private sealed class Facts
    {
        private readonly HashSet<double> _values = [];
        private readonly Dictionary<string, List<double>> _byName = [];
        private readonly HashSet<int> _counts = [];
        private double[] _sorted = [];

        public void Add(string name, JsonElement json)
        {
            switch (json.ValueKind)
            {
                case JsonValueKind.Number when json.TryGetDouble(out var number):
                    Add(number);
                    (_byName.TryGetValue(name, out var same) ? same : _byName[name] = []).Add(Math.Abs(number));
                    break;
                case JsonValueKind.String when name is not "source" && !json.TryGetGuid(out _):
                    AddText(json.GetString()!);
                    break;
                case JsonValueKind.Object:
                    foreach (var member in json.EnumerateObject())
                    {
                        Add(member.Name, member.Value);
                    }

                    break;
                case JsonValueKind.Array:
                    AddList(json);
                    break;
            }
        }

        public void AddText(string text)
        {
            foreach (var match in Digits().Matches(text).Cast<Match>())
            {
                foreach (var reading in Read(match.Value))
                {
                    Add(reading.Value);
                }
            }
        }

        /// <summary>After the last fact.</summary>
        /// <param name="shown">How many things the answer lists, of which it may say how many more there are.</param>
        public void Combine(int shown)
        {
            foreach (var same in _byName.Values.Where(v => v.Count > 1))
            {
                Add(same.Sum());
                var paired = same.Distinct().Take(MostPaired).ToList();
                foreach (var a in paired)
                {
                    foreach (var b in paired.Where(b => !b.Equals(a)))
                    {
                        Add(a - b);
                        Add(a + b);
                        if (b > 0)
                        {
                            Add((a - b) / b * 100);
                        }
                    }
                }
            }

            foreach (var count in _counts)
            {
                Add(count);
                Add(count - shown);
            }

            _sorted = [.. _values.Order()];
        }

        public bool Has(Reading reading, string unit)
        {
            if (Near(reading, 1))
            {
                return true;
            }

            return unit switch
            {
                "%" or "percent" or "Prozent" => Near(reading, 100),
                "MWh" or "MW" or "t" or "tonnes" or "tons" or "Tonnen" => Near(reading, 1e-3),
                "GWh" => Near(reading, 1e-6),
                "Wh" or "W" or "g" => Near(reading, 1e3),
                _ => false,
            };
        }

        private void Add(double value) => _values.Add(Math.Abs(value));

        private void AddList(JsonElement list)
        {
            _counts.Add(list.GetArrayLength());
            var alike = new Dictionary<(string, string), int>();
            foreach (var item in list.EnumerateArray())
            {
                Add("", item);
                if (item.ValueKind != JsonValueKind.Object)
                {
                    continue;
                }

                foreach (var member in item.EnumerateObject().Where(m => m.Value.ValueKind == JsonValueKind.String))
                {
                    var key = (member.Name, member.Value.GetString()!);
                    alike[key] = alike.GetValueOrDefault(key) + 1;
                }
            }

            _counts.UnionWith(alike.Values);
        }

        private bool Near(Reading reading, double scale)
        {
            // The figures that are near enough lie side by side.
            var wanted = reading.Value / scale;
            var widest = Math.Max(reading.Step, Math.Min(reading.Coarse, 2 * RoundedShare * reading.Value)) / scale;
            var at = Array.BinarySearch(_sorted, wanted - widest);
            for (at = at < 0 ? ~at : at; at < _sorted.Length && _sorted[at] <= wanted + widest; at++)
            {
                var value = _sorted[at] * scale;
                var tolerance = Math.Max(reading.Step / 2, Math.Min(reading.Coarse / 2, RoundedShare * value)) + (1e-9 * value);
                if (Math.Abs(value - reading.Value) <= tolerance)
                {
                    return true;
                }
            }

            return false;
        }
    }

    private const string Months =
        "(?:Jan(?:uary|uar)?|Feb(?:ruary|ruar)?|Mar(?:ch)?|März|Apr(?:il)?|May|Mai|June?|Juni|July?|Juli|Aug(?:ust)?|Sept?(?:ember)?|O[ck]t(?:ober)?|Nov(?:ember)?|De[cz](?:ember)?)";

    // Addresses, ids, dates, times of day and the numbers of lists are no figures.
    [GeneratedRegex(
        @"(?:GET )?(?:https?:/)?/[a-zA-Z][^\s)]*|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{22,}|\d{4}-\d{2}(?:-\d{2}(?:[T ]\d{2}:\d{2}[0-9:.]*)?)?Z?|\b\d{1,2}\.\d{1,2}\.\d{4}\b|\b\d{1,2}:\d{2}(?::\d{2})?"
        + @"|^\s*\d+[.)] |\b\d{1,2}(?:st|nd|rd|th|\.)? (?:of )?" + Months + @"\b(?:,? \d{4})?|\b" + Months + @" \d{1,2}(?:st|nd|rd|th)?\b(?:,? \d{4})?|\b" + Months + @" \d{4}\b",
        RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex Passages();

    [GeneratedRegex(@"(?<![\p{L}0-9_.,])[0-9]+(?:[.,   ][0-9]{3})*(?:[.,][0-9]+)?(?!(?:st|nd|rd|th)\b)", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex("[0-9]+(?:[.,][0-9]+)*", RegexOptions.CultureInvariant)]
    private static partial Regex Digits();

    [GeneratedRegex(@"\G\s?(?<unit>%|[\p{L}°µ]+)", RegexOptions.CultureInvariant)]
    private static partial Regex Unit();

    [GeneratedRegex(@"^\s*(?:[-*•]|\d+[.)]) ", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex Bullet();
}
