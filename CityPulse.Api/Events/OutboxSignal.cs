using CityPulse.Api.Data;

namespace CityPulse.Api.Events;

/// <summary>Wakes the dispatcher of this process when one of its own transactions has something to tell.</summary>
internal sealed class OutboxSignal : Bell;
