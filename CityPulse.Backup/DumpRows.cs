using System.Text;

namespace CityPulse.Backup;

/// <summary>Counts rows by table in a dump that is read as a script: the lines between <c>COPY … FROM stdin;</c> and <c>\.</c></summary>
internal sealed class DumpRows
{
    private readonly Dictionary<string, long> _rows = [];

    public async Task ReadAsync(Stream script, CancellationToken cancellationToken)
    {
        using var lines = new StreamReader(script, Encoding.UTF8, detectEncodingFromByteOrderMarks: false, bufferSize: 256 * 1024, leaveOpen: true);
        string? table = null;
        long rows = 0;
        while (await lines.ReadLineAsync(cancellationToken) is { } line)
        {
            if (table is null)
            {
                table = TableOf(line);
            }
            else if (line == "\\.")
            {
                _rows[table] = rows;
                (table, rows) = (null, 0);
            }
            else
            {
                rows++;
            }
        }
    }

    /// <summary>Tables with other rows than counted, or missing on one side; each as a few words.</summary>
    public List<string> Differences(IReadOnlyList<TableRows> counted)
    {
        var differences = counted.Where(t => _rows.GetValueOrDefault(t.Name, -1) != t.Rows)
            .Select(t => _rows.TryGetValue(t.Name, out var found) ? $"{t.Name} has {found} rows and not {t.Rows}" : $"{t.Name} is missing")
            .ToList();
        differences.AddRange(_rows.Keys.Except(counted.Select(t => t.Name)).Select(name => $"{name} was not counted"));
        return differences;
    }

    private static string? TableOf(string line)
    {
        const string start = "COPY ", end = " FROM stdin;";
        if (!line.StartsWith(start, StringComparison.Ordinal) || !line.EndsWith(end, StringComparison.Ordinal))
        {
            return null;
        }

        var columns = line.IndexOf(" (", StringComparison.Ordinal);
        return columns < 0 ? line[start.Length..^end.Length] : line[start.Length..columns];
    }
}
