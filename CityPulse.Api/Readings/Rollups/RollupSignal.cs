using CityPulse.Api.Data;

namespace CityPulse.Api.Readings.Rollups;

/// <summary>Wakes the worker of this process when one of its own transactions has made rollups dirty.</summary>
internal sealed class RollupSignal : Bell;
