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
        var missing = months.Where(m => !Knows(m)).Order().ToList();
        if (missing.Count == 0)
        {
            return;
        }

        await using var connection = await database.Owner.OpenConnectionAsync(cancellationToken);
        foreach (var month in missing)
        {
            await RunAsync(connection, Create(month), cancellationToken);
        }

        await RunAsync(connection, Announce(missing), cancellationToken);
        lock (_gate)
        {
            _known = _known.Concat(missing).ToFrozenSet();
        }
    }

    /// <summary>
    /// Made beside the table and attached then: attaching lets writers and readers go on, where
    /// <c>CREATE TABLE … PARTITION OF</c> would wait for all of them and hold up the rest.
    /// </summary>
    private static string Create(int month)
    {
        var from = StartOf(month);
        var name = NameOf(from);
        return string.Create(CultureInfo.InvariantCulture, $"""
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
            """);
    }

    /// <summary>
    /// Nothing is written into a month before this: a session that looked for the table's partitions at the moment of the attaching may
    /// have missed that it has to look again, and would not see the month for as long as it lives (docs/adr/0028). So whoever is at the
    /// table then is waited for, a planner's time being far shorter than the longest wait, and a change that changes nothing makes all
    /// sessions look again. The comment says that this was done, also for other processes and after a fall of this one.
    /// </summary>
    private static string Announce(IEnumerable<int> months) => $$"""
        DO $$
        DECLARE
            fresh text[] := ARRAY(
                SELECT relname FROM pg_class
                WHERE relname IN ({{string.Join(", ", months.Select(m => $"'{NameOf(StartOf(m))}'"))}}) AND obj_description(oid, 'pg_class') IS NULL);
            present text[];
            name text;
        BEGIN
            IF fresh = '{}' THEN
                RETURN;
            END IF;
            present := ARRAY(
                SELECT l.virtualtransaction FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                WHERE d.datname = current_database() AND l.relation = 'readings'::regclass AND l.pid <> pg_backend_pid());
            FOR i IN 1..500 LOOP
                EXIT WHEN NOT EXISTS (SELECT FROM pg_locks WHERE relation = 'readings'::regclass AND virtualtransaction = ANY (present));
                PERFORM pg_sleep(0.01);
            END LOOP;
            ALTER TABLE ONLY readings ALTER COLUMN quality SET STATISTICS -1;
            SET LOCAL lock_timeout = '2s';
            FOREACH name IN ARRAY fresh LOOP
                BEGIN
                    EXECUTE format('COMMENT ON TABLE %I IS %L', name, 'All sessions know of it.');
                EXCEPTION WHEN lock_not_available THEN
                    -- A vacuum is at it that gives way to nobody. The next process announces it once more.
                    RAISE NOTICE 'The table % keeps its comment for later.', name;
                END;
            END LOOP;
        END $$
        """;

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
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
