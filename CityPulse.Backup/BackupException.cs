namespace CityPulse.Backup;

/// <summary>A backup cannot be made, trusted or restored; the message says why, and where it can, what to do about it.</summary>
internal sealed class BackupException(string message) : Exception(message);
