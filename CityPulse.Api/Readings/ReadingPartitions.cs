using System.Collections.Frozen;
using System.Globalization;
using CityPulse.Api.Data;
using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;

namespace CityPulse.Api.Readings;

/// <summary>The months of <c>readings</c>, made when the first reading of one arrives, or ahead of it.</summary>
internal sealed class ReadingPartitions(TenantDatabase database)
{
    private readonly Lock _gate = new();
    private volatile FrozenSet<int> _known = FrozenSet<int>.Empty;

    /// <summary>A month as a number that counts on.</summary>
    public static int MonthOf(DateTimeOffset time) => (time.UtcDateTime.Year * 12) + time.UtcDateTime.Month - 1;

    public static DateTimeOffset StartOf(int month) => new(month / 12, (month % 12) + 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The table of the month that holds a time.</summary>
    public static string NameOf(DateTimeOffset time) => string.Create(CultureInfo.InvariantCulture, $"readings_{time.UtcDateTime:yyyy_MM}");

    public bool Knows(int month) => _known.Contains(month);

    /// <summary>Forgets what is known, after the database said that a partition is missing.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _known = FrozenSet<int>.Empty;
        }
    }

    public async Task EnsureAsync(IReadOnlyCollection<int> months, CancellationToken cancellationToken)
    {
        foreach (var month in months.Where(m => !Knows(m)).Order())
        {
            await CreateAsync(month, cancellationToken);
            lock (_gate)
            {
                _known = _known.Append(month).ToFrozenSet();
            }
        }
    }

    /// <summary>
    /// Made beside the table and attached then: attaching lets writers and readers go on, where
    /// <c>CREATE TABLE … PARTITION OF</c> would wait for all of them and hold up the rest.
    /// </summary>
    private async Task CreateAsync(int month, CancellationToken cancellationToken)
    {
        var from = StartOf(month);
        var name = NameOf(from);
        await using var connection = await database.Owner.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            string.Create(CultureInfo.InvariantCulture, $"""
                DO $$ BEGIN
                    -- Asked of the catalog's rows: what a session remembers of names can be older than the lock.
                    IF NOT EXISTS (SELECT FROM pg_class WHERE relname = '{name}') THEN
                        PERFORM pg_advisory_xact_lock({AdvisoryLockKeys.Partitions});
                        IF NOT EXISTS (SELECT FROM pg_class WHERE relname = '{name}') THEN
                            CREATE TABLE {name} (LIKE readings INCLUDING DEFAULTS INCLUDING INDEXES INCLUDING STORAGE);
                            ALTER TABLE readings ATTACH PARTITION {name}
                                FOR VALUES FROM ('{from:yyyy-MM-dd}T00:00:00Z') TO ('{StartOf(month + 1):yyyy-MM-dd}T00:00:00Z');
                        END IF;
                    END IF;
                END $$
                """),
            connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <summary>Makes the months to come before they begin, so that no reading has to wait for its table.</summary>
internal sealed class PartitionKeeper(ReadingPartitions partitions, DatabaseReady ready, TimeProvider time, ILogger<PartitionKeeper> logger)
    : BackgroundService
{
    private const int MonthsAhead = 2;
    private static readonly TimeSpan Interval = TimeSpan.FromHours(6);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ready.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            var wait = Interval;
            try
            {
                var month = ReadingPartitions.MonthOf(time.GetUtcNow());
                await partitions.EnsureAsync([.. Enumerable.Range(month, MonthsAhead + 1)], stoppingToken);
            }
            catch (NpgsqlException e)
            {
                logger.LogWarning(e, "The readings' coming months could not be prepared; trying again");
                wait = RetryDelay;
            }

            await Task.Delay(wait, time, stoppingToken);
        }
    }
}
