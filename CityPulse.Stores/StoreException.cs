namespace CityPulse.Stores;

/// <summary>A store cannot run; the message says what to do about it.</summary>
internal sealed class StoreException(string message) : Exception(message);
