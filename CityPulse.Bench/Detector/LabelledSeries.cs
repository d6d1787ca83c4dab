using System.Globalization;
using System.IO.Compression;
using System.Text.Json;

namespace CityPulse.Bench.Detector;

internal readonly record struct LabelledRow(DateTimeOffset At, double Value);

/// <summary>A stretch in which something abnormal lies; both ends belong to it.</summary>
internal readonly record struct LabelledWindow(DateTimeOffset From, DateTimeOffset To)
{
    public bool Holds(DateTimeOffset at) => at >= From && at <= To;
}

/// <summary>A series of the Numenta Anomaly Benchmark with its labels. Its times have no zone; they are read as they stand.</summary>
internal sealed record LabelledSeries(string Name, IReadOnlyList<LabelledRow> Rows, IReadOnlyList<LabelledWindow> Windows)
{
    /// <summary>Rows at the beginning that the benchmark leaves for learning: 15 %, at most 750.</summary>
    public int Probation => Math.Min(Rows.Count * 15 / 100, 750);

    /// <param name="repository">The repository's folder: the series lie in the samples and in the tests' data, none of them twice.</param>
    public static IReadOnlyList<LabelledSeries> All(string repository)
    {
        var own = Path.Combine(repository, "CityPulse.Tests", "Data", "anomaly");
        string[] folders = [own, Path.Combine(repository, "samples", "anomaly")];
        var labels = JsonSerializer.Deserialize<Dictionary<string, string[][]>>(File.ReadAllText(Path.Combine(own, "windows.json")))!;
        return [.. labels.Select(label =>
        {
            var file = Path.GetFileName(label.Key);
            var path = folders.SelectMany(f => new[] { Path.Combine(f, file), Path.Combine(f, file + ".gz") }).First(File.Exists);
            return new LabelledSeries(
                Path.GetFileNameWithoutExtension(file),
                [.. Lines(path).Skip(1).Select(line => line.Split(',')).Select(f => new LabelledRow(Time(f[0]), double.Parse(f[1], CultureInfo.InvariantCulture)))],
                [.. label.Value.Select(w => new LabelledWindow(Time(w[0]), Time(w[1])))]);
        })];
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private static IEnumerable<string> Lines(string path)
    {
        using Stream file = File.OpenRead(path);
        using var reader = new StreamReader(path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file);
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }
}
