using System.IO.Compression;
using CityPulse.Samples.Domain;

namespace CityPulse.Samples.Manifest;

/// <summary>The files behind a manifest. A file is read when its first reading is wanted, and once.</summary>
internal sealed class SampleData(string samplesFolder, CityManifest manifest)
{
    private readonly Dictionary<string, IReadOnlyList<SourceRow>> _rows = [];

    public CityManifest Manifest => manifest;

    /// <summary>The samples that were built with the program.</summary>
    public static SampleData Open()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "samples");
        return new SampleData(folder, CityManifest.Read(folder));
    }

    public IReadOnlyList<SourceRow> RowsOf(string seriesName)
    {
        if (!_rows.TryGetValue(seriesName, out var rows))
        {
            var series = manifest.Series[seriesName];
            try
            {
                rows = SourceRows.Read(LinesOf(series.File), series.Column, series.Factor, series.Missing ?? []);
            }
            catch (FormatException fault)
            {
                throw new FormatException($"{series.File}: {fault.Message}", fault);
            }

            _rows.Add(seriesName, rows);
        }

        return rows;
    }

    public Timeline TimelineOf(SampleSensor sensor, SeriesClock clock) =>
        new(RowsOf(sensor.Series), clock, TimeZoneInfo.FindSystemTimeZoneById(manifest.Series[sensor.Series].Zone));

    public IEnumerable<string> LinesOf(string file)
    {
        using var stream = File.OpenRead(Path.Combine(samplesFolder, file));
        using var unpacked = file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(stream, CompressionMode.Decompress) : (Stream)stream;
        using var reader = new StreamReader(unpacked);
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }
}
