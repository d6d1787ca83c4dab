using System.Diagnostics;
using Npgsql;

namespace CityPulse.Bench.Drills;

/// <summary>Compares what was acknowledged with what is in the database.</summary>
internal static class StoredReadings
{
    /// <param name="acknowledged">By sensor (its externalId) and time, the last value.</param>
    /// <returns>How many readings were acknowledged.</returns>
    public static async Task<int> JudgeAsync(
        NpgsqlConnection connection, IEnumerable<IReadOnlyDictionary<(string Sensor, DateTime At), double>> acknowledged, Goals goals, CancellationToken cancellationToken)
    {
        var stored = await StoredAsync(connection, cancellationToken);
        var (all, wrong) = (0, 0);
        foreach (var (key, value) in acknowledged.SelectMany(readings => readings))
        {
            all++;
            wrong += stored.Remove(key, out var found) && found == value ? 0 : 1;
        }

        goals.Add($"of {all:N0} acknowledged readings {wrong} missing or wrong, {stored.Count} stored that nobody sent", wrong == 0 && stored.Count == 0 && all > 0);
        return all;
    }

    /// <summary>Whether something comes true within a time.</summary>
    public static async Task<bool> EventuallyAsync(Func<bool> wanted, TimeSpan limit, CancellationToken cancellationToken)
    {
        for (var start = Stopwatch.GetTimestamp(); !wanted(); await Task.Delay(100, cancellationToken))
        {
            if (Stopwatch.GetElapsedTime(start) > limit)
            {
                return false;
            }
        }

        return true;
    }

    public static async Task<long> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task<Dictionary<(string Sensor, DateTime At), double>> StoredAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT s.external_id, r.observed_at, r.value FROM readings r JOIN sensors s ON s.key = r.sensor_key", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var stored = new Dictionary<(string, DateTime), double>();
        while (await reader.ReadAsync(cancellationToken))
        {
            // Add and not set: a reading that stood there twice would throw.
            stored.Add((reader.GetString(0), reader.GetDateTime(1)), reader.GetDouble(2));
        }

        return stored;
    }
}
