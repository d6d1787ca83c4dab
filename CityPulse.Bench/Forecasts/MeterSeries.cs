using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using CityPulse.Api.Analytics.Domain;

namespace CityPulse.Bench.Forecasts;

/// <summary>An hourly or half-hourly meter of the samples, in kWh (or therm) an hour, with its outdoor temperature.</summary>
internal sealed record MeterSeries(string Name, HourlySeries Energy, HourlySeries Temperature, bool IsSimulated)
{
    private static readonly (string Name, string File, string Temperature, string Zone)[] Meters =
    [
        ("uk-electricity-0", "uk-electricity-0-hourly", "temperature-uk-0", "Europe/London"),
        ("uk-electricity-1", "uk-electricity-1-halfhourly", "temperature-uk-1-2", "Europe/London"),
        ("uk-electricity-2", "uk-electricity-2-halfhourly", "temperature-uk-1-2", "Europe/London"),
        ("uk-gas-0", "uk-gas-0-hourly", "temperature-uk-0", "Europe/London"),
        ("il-electricity-cdd-hdd", "il-electricity-cdd-hdd-hourly", "temperature-il-724390", "America/Chicago"),
        ("il-electricity-cdd-only", "il-electricity-cdd-only-hourly", "temperature-il-724390", "America/Chicago"),
        ("il-gas-hdd-only", "il-gas-hdd-only-hourly", "temperature-il-724390", "America/Chicago"),
        ("il-gas-intercept-only", "il-gas-intercept-only-hourly", "temperature-il-724390", "America/Chicago"),
    ];

    /// <summary>All of them; what the samples call missing (runs of zeros) is missing here too.</summary>
    public static IReadOnlyList<MeterSeries> All(string repository)
    {
        var folder = Path.Combine(repository, "samples", "meters");
        using var city = JsonDocument.Parse(File.ReadAllText(Path.Combine(repository, "samples", "city.json")));
        var series = city.RootElement.GetProperty("series");
        return [.. Meters.Select(meter =>
        {
            var zone = TimeZoneInfo.FindSystemTimeZoneById(meter.Zone);
            var missing = series.GetProperty(meter.Name).TryGetProperty("missing", out var stretches)
                ? stretches.EnumerateArray().Select(s => (Time(s.GetProperty("from").GetString()!), Time(s.GetProperty("to").GetString()!))).ToList()
                : [];
            var perHour = meter.File.EndsWith("-halfhourly", StringComparison.Ordinal) ? 2 : 1;
            var energy = Hourly(Rows(Path.Combine(folder, meter.File + ".csv.gz"))
                .Where(r => !missing.Exists(m => r.At >= m.Item1 && r.At < m.Item2)), perHour, zone, origin: null);
            var temperature = Hourly(Rows(Path.Combine(folder, meter.Temperature + ".csv.gz")), 1, zone, (energy.Start, energy.Count));
            return new MeterSeries(meter.Name, energy, temperature, meter.Name.StartsWith("il-", StringComparison.Ordinal));
        })];
    }

    /// <summary>Sums by hour; an hour that lacks a part is missing.</summary>
    private static HourlySeries Hourly(IEnumerable<(DateTimeOffset At, double Value)> rows, int perHour, TimeZoneInfo zone, (DateTimeOffset Start, int Count)? origin)
    {
        var hours = rows.DistinctBy(r => r.At).GroupBy(r => r.At.ToUnixTimeSeconds() / 3600)
            .Where(g => g.Count() == perHour).ToDictionary(g => g.Key, g => g.Sum(r => r.Value));
        var first = origin is { } o ? o.Start.ToUnixTimeSeconds() / 3600 : hours.Keys.Min();
        var values = new double[origin?.Count ?? (int)(hours.Keys.Max() - first + 1)];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = hours.GetValueOrDefault(first + i, double.NaN);
        }

        return new HourlySeries(DateTimeOffset.FromUnixTimeSeconds(first * 3600), values, zone);
    }

    private static IEnumerable<(DateTimeOffset At, double Value)> Rows(string path)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        reader.ReadLine();
        while (reader.ReadLine() is { } line)
        {
            var comma = line.IndexOf(',', StringComparison.Ordinal);
            if (comma < line.Length - 1)
            {
                yield return (Time(line[..comma]), double.Parse(line.AsSpan(comma + 1), CultureInfo.InvariantCulture));
            }
        }
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
