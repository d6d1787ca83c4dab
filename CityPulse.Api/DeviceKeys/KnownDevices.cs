using System.Collections.Concurrent;
using System.Collections.Frozen;
using CityPulse.Api.DeviceKeys.Domain;
using CityPulse.ServiceDefaults.Revocations;
using Npgsql;

namespace CityPulse.Api.DeviceKeys;

/// <summary>
/// Devices by the hash of their key, from memory: ingest pays no look-up. A deleted key is refused at once by the replica that deleted
/// it and, by <see cref="IRevocations"/>, within two seconds by the others, in milliseconds while Redis is there.
/// </summary>
internal sealed class KnownDevices(NpgsqlDataSource source, IRevocations revocations, TimeProvider time)
{
    private const int Most = 20_000;

    // Well below the time that revocations are remembered.
    private static readonly TimeSpan Known = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Unknown = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private int _count;

    private sealed class Entry(Device? device, long loadedAt)
    {
        public Device? Device => device;
        public long LoadedAt => loadedAt;
    }

    /// <summary>When each device was last let in, since the last look at it.</summary>
    public ConcurrentDictionary<Guid, DateTimeOffset> Used { get; } = new();

    /// <summary>The device of a key; null when there is none, or none any more.</summary>
    public async ValueTask<Device?> FindAsync(string key, CancellationToken cancellationToken)
    {
        var hash = DeviceKeyText.Hash(key);
        var name = Convert.ToHexString(hash);
        if (!_entries.TryGetValue(name, out var entry) || time.GetElapsedTime(entry.LoadedAt) > (entry.Device is null ? Unknown : Known))
        {
            entry = new Entry(await ReadAsync(hash, cancellationToken), time.GetTimestamp());
            Remember(name, entry);
        }

        var now = time.GetUtcNow();
        if (entry.Device is not { } device || device.ExpiresAt <= now || await revocations.IsRevokedAsync(device.KeyId, cancellationToken))
        {
            return null;
        }

        Used[device.KeyId] = now;
        return device;
    }

    private void Remember(string name, Entry entry)
    {
        if (Interlocked.Increment(ref _count) > Most)
        {
            // Starting over is simpler than evicting, and costs one look-up a key; made-up keys cannot fill the memory.
            _entries.Clear();
            Interlocked.Exchange(ref _count, 1);
        }

        _entries[name] = entry;
    }

    private async Task<Device?> ReadAsync(byte[] hash, CancellationToken cancellationToken)
    {
        // Across organisations: it is the key that says which one it belongs to.
        await using var command = source.CreateCommand("select id, organization_id, building_ids, expires_at from device_keys where hash = $1");
        command.Parameters.AddWithValue(hash);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken)
            ? new Device(
                row.GetGuid(0),
                row.GetGuid(1),
                row.IsDBNull(2) ? null : row.GetFieldValue<Guid[]>(2).ToFrozenSet(),
                row.IsDBNull(3) ? null : row.GetFieldValue<DateTimeOffset>(3))
            : null;
    }
}
