namespace CityPulse.Samples.Loading;

internal sealed record LoginRequest(string Email, string Password);

internal sealed record RefreshRequest(string RefreshToken);

internal sealed record SessionResponse(string AccessToken, int ExpiresIn, string? RefreshToken);

internal sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

internal sealed record BuildingRequest(
    string Name, string Code, string Use, string TimeZone, double FloorAreaM2, int? Floors, int? YearBuilt, IReadOnlyList<string> Tags);

internal sealed record StoredBuilding(Guid Id, string? Code);

internal sealed record SensorRequest(
    Guid BuildingId, string ExternalId, string Name, string Quantity, string Unit, string Kind, int IntervalSeconds, IReadOnlyList<string> Tags);

internal sealed record StoredSensor(Guid Id, string? ExternalId, IReadOnlyList<string>? Tags);

internal sealed record LatestReading(Guid SensorId, DateTimeOffset At);

internal sealed record IngestResponse(int Accepted, int Updated, int Duplicates, int Rejected, IReadOnlyList<IngestError>? Errors);

internal sealed record IngestError(int Index, string? Sensor, string? Code, string? Detail);

internal sealed record ProblemResponse(string? Title, string? Detail, string? ErrorId, IReadOnlyDictionary<string, string[]>? Errors);
