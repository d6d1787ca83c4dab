using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CityPulse.Tests.Support;

namespace CityPulse.Tests.Api.Energy;

/// <summary>A meter of <c>samples/meters</c> or <c>Data/meters</c>, and its rows as they are in the file.</summary>
public sealed record MeterFile(string Name, string Zone, string Quantity, string Unit, int IntervalSeconds, string Weather)
{
    private const int Hour = 3600;
    private const int Day = 24 * Hour;

    public static readonly MeterFile[] All =
    [
        .. Illinois("electricity-cdd-hdd"), .. Illinois("electricity-cdd-only"), .. Illinois("gas-hdd-only"), .. Illinois("gas-intercept-only"),
        new("uk-electricity-0-hourly", "Europe/London", "electric_energy", "kWh", Hour, "temperature-uk-0"),
        new("uk-gas-0-hourly", "Europe/London", "gas_energy", "kWh", Hour, "temperature-uk-0"),
        new("uk-electricity-1-halfhourly", "Europe/London", "electric_energy", "kWh", Hour / 2, "temperature-uk-1-2"),
        new("uk-electricity-2-halfhourly", "Europe/London", "electric_energy", "kWh", Hour / 2, "temperature-uk-1-2"),
    ];

    public static MeterFile Named(string name) => All.Single(m => m.Name == name);

    /// <summary>kWh of a unit: the US therm is 105,480,400 J (NIST SP 811).</summary>
    public double KWhPerUnit => Unit == "therm" ? 105_480_400 / 3.6e6 : 1;

    /// <summary>The rows as they are, empty values included, repeated rows too.</summary>
    public IReadOnlyList<(DateTimeOffset At, double? Value)> Rows() => Read(Name);

    /// <summary>Each interval once, with the time at which it ends: at the next row for days and bills.</summary>
    public IReadOnlyList<(DateTimeOffset From, DateTimeOffset To, double KWh)> Intervals()
    {
        var rows = Rows().DistinctBy(r => r.At).ToList();
        return [.. rows.Select((r, i) => (r.At, To: IntervalSeconds >= Day && i + 1 < rows.Count ? rows[i + 1].At : r.At.AddSeconds(IntervalSeconds), r.Value))
            .Where(r => r.Value is not null).Select(r => (r.At, r.To, r.Value!.Value * KWhPerUnit))];
    }

    public static IReadOnlyList<(DateTimeOffset At, double? Value)> Read(string name)
    {
        var root = Root();
        var folder = new[] { Path.Combine(root, "samples", "meters"), Path.Combine(root, "CityPulse.Tests", "Data", "meters") };
        var path = folder.SelectMany(f => new[] { Path.Combine(f, $"{name}.csv.gz"), Path.Combine(f, $"{name}.csv") }).First(File.Exists);
        using Stream file = File.OpenRead(path);
        using var text = new StreamReader(path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file);
        return [.. text.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.TrimEnd('\r').Split(','))
            .Select(f => (
                DateTimeOffset.Parse(f[0], CultureInfo.InvariantCulture),
                f[1].Length == 0 ? (double?)null : double.Parse(f[1], CultureInfo.InvariantCulture)))];
    }

    /// <summary>Sends rows as CSV, as an importer would, and gives the answer's counts.</summary>
    internal static async Task<(int Accepted, int Duplicates, int Rejected)> IngestAsync(
        City city, string sensor, IEnumerable<(DateTimeOffset At, double? Value)> rows)
    {
        var body = new StringBuilder("sensor,at,value\n");
        foreach (var (at, value) in rows)
        {
            body.Append(CultureInfo.InvariantCulture, $"{sensor},{at.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'},{value}\n");
        }

        using var content = new StringContent(body.ToString(), Encoding.UTF8);
        content.Headers.ContentType = new MediaTypeHeaderValue("text/csv");
        using var answer = await city.Client.PostAsync("/api/v1/citypulse/sensors/readings", content);
        var counts = await answer.ReadAsync(HttpStatusCode.OK);
        return (counts.GetProperty("accepted").GetInt32(), counts.GetProperty("duplicates").GetInt32(), counts.GetProperty("rejected").GetInt32());
    }

    private static IEnumerable<MeterFile> Illinois(string what)
    {
        var (quantity, unit) = what.StartsWith("gas", StringComparison.Ordinal) ? ("gas_energy", "therm") : ("electric_energy", "kWh");
        MeterFile Of(string interval, int seconds) => new($"il-{what}-{interval}", "America/Chicago", quantity, unit, seconds, "temperature-il-724390");
        return [Of("hourly", Hour), Of("daily", Day), Of("billing-monthly", 30 * Day), Of("billing-bimonthly", 61 * Day)];
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "CityPulse.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests run outside the repository.");
        }

        return folder.FullName;
    }
}
