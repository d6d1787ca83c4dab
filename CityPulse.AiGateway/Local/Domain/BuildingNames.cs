using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Local.Domain;

/// <summary>Finds the buildings that a text names: by full name or code first, else by a word that only one of them has.</summary>
internal static class BuildingNames
{
    internal sealed record Found(IReadOnlyList<KnownBuilding> Buildings, IReadOnlyList<KnownBuilding> Ambiguous, string Rest);

    /// <param name="normalized">A text from <see cref="Text.Normalize"/>.</param>
    public static Found Find(string normalized, IReadOnlyList<KnownBuilding> buildings)
    {
        // Punctuation within names is as often left out as typed; positions stay the same.
        var text = Regex.Replace(normalized, @"[^\p{L}\p{N}]", " ", RegexOptions.CultureInvariant);
        var rest = normalized;
        var found = new List<(int At, KnownBuilding[] Meant)>();
        var names = buildings
            .SelectMany(b => new[] { b.Name, b.Code }.Where(n => !string.IsNullOrWhiteSpace(n)).Select(n => (Name: Text.Words(n!), Building: b)))
            .Where(n => n.Name.Length > 1)
            .GroupBy(n => n.Name, n => n.Building, StringComparer.Ordinal)
            .OrderByDescending(g => g.Key.Length)
            .ThenBy(g => g.Key, StringComparer.Ordinal)
            .ToList();
        foreach (var name in names)
        {
            TakeOut(name.Key.Replace(" ", " +", StringComparison.Ordinal), [.. name.Distinct()]);
        }

        if (found.Count == 0)
        {
            // "Lena" for "Office Lena": a word of a name that is no word of the language around it.
            var words = buildings
                .SelectMany(b => Text.Words(b.Name).Split(' ').Where(w => w.Length > 2 && !Lexicon.IsKnown(w)).Distinct().Select(w => (Word: w, Building: b)))
                .GroupBy(w => w.Word, w => w.Building, StringComparer.Ordinal);
            foreach (var word in words.OrderByDescending(g => g.Key.Length).ThenBy(g => g.Key, StringComparer.Ordinal))
            {
                TakeOut(word.Key, [.. word.Distinct()]);
            }
        }

        var certain = found.Where(f => f.Meant.Length == 1).OrderBy(f => f.At).Select(f => f.Meant[0]).Distinct().ToList();
        var doubtful = found.Where(f => f.Meant.Length > 1).Select(f => f.Meant).ToList();

        // "Clifford Hall" where "Hall" alone is common: the certain word decides among those the doubtful one leaves.
        var undecided = doubtful.Where(d => !d.Any(certain.Contains)).ToList();
        var common = undecided.Count > 1 ? undecided.Aggregate((a, b) => [.. a.Intersect(b)]) : undecided.FirstOrDefault() ?? [];
        return common.Length == 1
            ? new Found([.. certain, common[0]], [], rest)
            : new Found(certain, certain.Count == 0 ? common : [], rest);

        void TakeOut(string pattern, KnownBuilding[] meant)
        {
            foreach (var match in Regex.Matches(text, $@"(?<![\p{{L}}\p{{N}}]){pattern}(?:s(?= ))?(?![\p{{L}}\p{{N}}])", RegexOptions.CultureInvariant).Cast<Match>())
            {
                found.Add((match.Index, meant));
                var blank = new string(' ', match.Length);
                text = text.Remove(match.Index, match.Length).Insert(match.Index, blank);
                rest = rest.Remove(match.Index, match.Length).Insert(match.Index, blank);
            }
        }
    }

    /// <summary>Names that a mistyped one may have meant.</summary>
    public static IReadOnlyList<KnownBuilding> Similar(string name, IReadOnlyList<KnownBuilding> buildings, int count = 3)
    {
        var words = Text.Words(name);
        return [.. buildings
            .Select(b => (Building: b, Distance: Text.Words(b.Name).Split(' ').Append(Text.Words(b.Name)).Min(w => Distance(words, w))))
            .Where(b => b.Distance <= Math.Max(1, words.Length / 3))
            .OrderBy(b => b.Distance)
            .ThenBy(b => b.Building.Name, StringComparer.Ordinal)
            .Take(count)
            .Select(b => b.Building)];
    }

    /// <summary>Levenshtein: how many letters differ.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }
}
