using System.ComponentModel.DataAnnotations;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>Section <c>Ingest</c>: how much one replica takes on at once. Who finds it full is told to come again.</summary>
internal sealed class IngestOptions
{
    public const string Section = "Ingest";

    [Range(1, 1000, ErrorMessage = "Ingest:MaxBatchesInFlight must be from 1 to 1000.")]
    public int MaxBatchesInFlight { get; set; } = 32;

    /// <summary>Of decoded bodies that are being read or stored.</summary>
    [Range(32, 16_384, ErrorMessage = "Ingest:MaxMegabytesInFlight must be from 32 (one batch) to 16384.")]
    public int MaxMegabytesInFlight { get; set; } = 256;

    /// <summary>How long a batch may wait for its turn. Its body is not read meanwhile.</summary>
    [Range(0, 60_000, ErrorMessage = "Ingest:MaxWaitMilliseconds must be from 0 (refuse at once) to 60000.")]
    public int MaxWaitMilliseconds { get; set; } = 2000;
}
