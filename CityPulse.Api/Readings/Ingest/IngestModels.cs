namespace CityPulse.Api.Readings.Ingest;

/// <summary>A batch of readings. At most 100,000 and 32 MB.</summary>
public sealed record IngestRequest(IReadOnlyList<ReadingRequest> Readings);

/// <param name="Sensor">The sensor's id, or its external id.</param>
/// <param name="At">When it was observed; RFC 3339 with an offset, from 2000-01-01 to five minutes ahead.</param>
/// <param name="Quality"><c>good</c> (default), <c>uncertain</c> or <c>bad</c>.</param>
public sealed record ReadingRequest(string Sensor, DateTimeOffset At, double Value, string? Quality = null);

/// <summary>What became of a batch; the four counts together are its rows.</summary>
/// <param name="Accepted">New readings, stored.</param>
/// <param name="Updated">Readings whose stored value was changed, and rows that a later row of the batch changed.</param>
/// <param name="Duplicates">Rows that say what is stored already, or what the next row of the same sensor and time says.</param>
/// <param name="Rejected">Bad rows.</param>
/// <param name="Errors">The first 100 bad rows.</param>
internal sealed record IngestResponse(int Accepted, int Updated, int Duplicates, int Rejected, IReadOnlyList<RowError> Errors);

/// <param name="Index">The row's place in the batch, from 0; headers and empty lines do not count.</param>
/// <param name="Sensor">As it was sent.</param>
internal sealed record RowError(int Index, string Sensor, string Code, string Detail);
