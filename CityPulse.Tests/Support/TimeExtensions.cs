using Microsoft.Extensions.Time.Testing;

namespace CityPulse.Tests.Support;

internal static class TimeExtensions
{
    /// <summary>
    /// Moves the clock on and leaves timers alone, where <see cref="FakeTimeProvider.Advance"/> would ring every one as often as it is due:
    /// a month is two million rings of what works every second.
    /// </summary>
    public static void Jump(this FakeTimeProvider time, TimeSpan by) => time.AdjustTime(time.GetUtcNow() + by);
}
