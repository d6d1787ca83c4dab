using System.Globalization;

namespace CityPulse.Samples.Domain;

/// <summary>
/// Turns the lines of a source file into rows. What is missing stays missing: an empty value, <c>nan</c> and the stretches
/// that the manifest names give no row, never a zero. Of rows with the same time the last one stands, as it does at ingest.
/// </summary>
internal static class SourceRows
{
    private static readonly string[] TimeFormats = ["yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd HH:mm:ss"];

    public static IReadOnlyList<SourceRow> Read(
        IEnumerable<string> lines, string valueColumn, double factor, IReadOnlyList<MissingStretch> missing)
    {
        using var line = lines.GetEnumerator();
        if (!line.MoveNext())
        {
            throw new FormatException("The file is empty.");
        }

        var header = line.Current.Split(',');
        var timeIndex = Array.IndexOf(header, "timestamp");
        var valueIndex = Array.IndexOf(header, valueColumn);
        if (timeIndex < 0 || valueIndex < 0)
        {
            throw new FormatException($"The header '{line.Current}' lacks 'timestamp' or '{valueColumn}'.");
        }

        var rows = new List<SourceRow>();
        for (var number = 2; line.MoveNext(); number++)
        {
            if (line.Current.Length == 0)
            {
                continue;
            }

            var fields = line.Current.Split(',');
            if (fields.Length != header.Length
                || !DateTime.TryParseExact(fields[timeIndex], TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out var time))
            {
                throw new FormatException($"Line {number} is not a row: '{line.Current}'.");
            }

            // The zone is the series' business; a kind of Utc would make later comparisons lie for the local ones.
            time = DateTime.SpecifyKind(time, DateTimeKind.Unspecified);
            if (ValueOf(fields[valueIndex], number) is not { } value || IsMissing(time, missing))
            {
                continue;
            }

            Append(rows, new SourceRow(time, value * factor), number);
        }

        return rows;
    }

    private static void Append(List<SourceRow> rows, SourceRow row, int number)
    {
        if (rows.Count == 0 || rows[^1].Time < row.Time)
        {
            rows.Add(row);
        }
        else if (rows[^1].Time == row.Time)
        {
            rows[^1] = row;
        }
        else
        {
            throw new FormatException($"Line {number} goes back in time to {row.Time:s}.");
        }
    }

    private static double? ValueOf(string field, int number)
    {
        if (field.Length == 0 || field.Equals("nan", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        return double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? value
            : throw new FormatException($"Line {number} has no number: '{field}'.");
    }

    private static bool IsMissing(DateTime time, IReadOnlyList<MissingStretch> missing)
    {
        foreach (var stretch in missing)
        {
            if (time >= stretch.From && time < stretch.To)
            {
                return true;
            }
        }

        return false;
    }
}
