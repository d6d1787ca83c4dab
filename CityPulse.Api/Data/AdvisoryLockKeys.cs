namespace CityPulse.Api.Data;

/// <summary>
/// Every advisory lock of the city's database, in one place: two kinds of work that share a number would wait for each other. The
/// gateway's, in the same database, begin at 0x4350_0100; locks by organisation or sensor are hashes of their own.
/// </summary>
internal static class AdvisoryLockKeys
{
    public const long Migrations = 0x4350_0001;
    public const long Partitions = 0x4350_0002;
    public const long Dispatcher = 0x4350_0003;
    public const long SigningKeys = 0x4350_0004;
    public const long Retention = 0x4350_0005;
    public const long Presence = 0x4350_0006;
    public const long Energy = 0x4350_0007;
    public const long AlertTicker = 0x4350_0008;
}
